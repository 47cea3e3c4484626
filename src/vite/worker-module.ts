import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** Writes the import of names from a module of the worker, such as `reads/expiry`. */
export function importOf(module: string, names: readonly string[]): string {
  return `import { ${names.join(', ')} } from ${JSON.stringify(workerModule(module))}`
}

/** By path and not by name: the worker of this very copy of the package, wherever a package manager has put it. */
export function workerModule(name: string): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return fileURLToPath(new URL(`../../sw/${name}.${extension}`, import.meta.url))
    .split(path.sep)
    .join('/')
}
