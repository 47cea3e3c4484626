/**
 * Writes a value as a JavaScript expression that evaluates to an equal value. Unlike JSON it keeps regular expressions;
 * properties that are undefined are left out. Options hold nothing else: they have been checked before.
 *
 * @example
 * toSource({ match: /^\/api/i, timeoutMs: 3000 }) // '{"match": /^\\/api/i, "timeoutMs": 3000}'
 */
export function toSource(value: unknown): string {
  if (value instanceof RegExp) return String(value)
  if (Array.isArray(value)) return `[${value.map(toSource).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined'
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}: ${toSource(item)}`).join(', ')}}`
}
