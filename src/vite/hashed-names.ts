/** What of a bundler's output is looked at. */
export interface NamePatterns {
  entryFileNames?: unknown
  chunkFileNames?: unknown
  assetFileNames?: unknown
}

/**
 * Says which emitted files carry a hash of their content in their name. Such a file needs no revision in the manifest,
 * but a false guess would serve an old file for good. So the name has to fit a pattern of the output that asks for a
 * hash; where the pattern is a function, nothing is taken for granted.
 */
export function createHashedTest(emitted: Iterable<string>, output: NamePatterns): (file: string) => boolean {
  const names = new Set(emitted)
  const patterns = [output.entryFileNames, output.chunkFileNames, output.assetFileNames]
    .filter(pattern => typeof pattern === 'string')
    .filter(pattern => pattern.includes('[hash'))
    .map(toRegExp)
  return file => names.has(file) && patterns.some(pattern => pattern.test(file))
}

function toRegExp(pattern: string): RegExp {
  const source = pattern.replace(/\[hash(?::(\d+))?\]|\[\w+\]|[.+?^${}()|[\]\\*]/g, (part, length = '8') => {
    if (part.startsWith('[hash')) return `[\\w-]{${length}}`
    return part.length > 1 ? '.*' : `\\${part}`
  })
  return new RegExp(`^${source}$`)
}
