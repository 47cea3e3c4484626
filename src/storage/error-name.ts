/** The name of an error, read from the value and not by `instanceof`: a DOMException may come from another realm. */
export function errorName(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('name' in error)) return undefined
  return typeof error.name === 'string' ? error.name : undefined
}
