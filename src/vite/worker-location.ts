import { HoldfastError } from '../protocol/errors.ts'

/** Where the page finds the worker; what `__HOLDFAST_WORKER__` holds in the app's code. */
export interface WorkerLocation {
  url: string
  scope: string
  /** The outbox that the worker delivers. */
  name: string
  /** Left out for a classic script, which ours always is. */
  type?: 'module'
}

/**
 * Derives the worker's address from Vite's `base`, before and after Vite has normalised it. A base on another origin is
 * refused for builds: a worker must come from the origin of its pages. The dev server uses only the path of such a base.
 */
export function locateWorker(
  base: string = '/',
  { filename, name, command }: { filename: string; name: string; command: 'build' | 'serve' },
): WorkerLocation {
  const scope = scopeOf(base, command)
  return { url: scope + filename, scope, name }
}

function scopeOf(base: string, command: 'build' | 'serve'): string {
  if (base === '' || base.startsWith('.')) return command === 'build' ? './' : '/'
  if (/^(https?:)?\/\//.test(base)) {
    if (command === 'build') throw foreignBase(base)
    return withSlashes(new URL(base, 'http://localhost').pathname)
  }
  return withSlashes(base)
}

function withSlashes(path: string): string {
  return `/${path}/`.replace(/\/{2,}/g, '/')
}

function foreignBase(base: string): HoldfastError {
  return new HoldfastError({
    code: 'invalid-options',
    action: 'place the service worker',
    reason: `the base ${base} is an address, and a worker has to come from the origin of its pages`,
    hint: 'Use a path as base, and experimental.renderBuiltUrl for assets on another host.',
  })
}
