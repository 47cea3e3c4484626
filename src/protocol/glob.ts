/**
 * Turns a glob into a regular expression over the whole text. `*` stays within one path segment, `**` crosses segments;
 * every other character stands for itself, `?` too, because globs here are matched against addresses. A trailing `/**`
 * also matches the folder itself, and a `/**` in the middle also matches no segment at all.
 *
 * @example
 * globToRegExp('/api/**').test('/api/notes/7') // true
 */
export function globToRegExp(glob: string): RegExp {
  const source = glob.replace(/\/\*\*$|\/\*\*\/|\*\*|\*|[.+?^${}()|[\]\\]/g, part => PARTS[part] ?? `\\${part}`)
  return new RegExp(`^${source}$`)
}

const PARTS: Record<string, string> = { '*': '[^/]*', '**': '.*', '/**': '(?:/.*)?', '/**/': '/(?:.*/)?' }
