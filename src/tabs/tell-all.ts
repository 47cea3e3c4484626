/** Calls every listener. What one of them throws is reported as uncaught, and is nobody else's business. */
export function tellAll<T>(listeners: Iterable<(value: T) => void>, value: T): void {
  for (const listener of [...listeners]) {
    try {
      listener(value)
    } catch (error) {
      globalThis.reportError?.(error)
    }
  }
}
