/** What happened in a run, in order: its last lines to read, and a number that stands for all of it. */
export interface Trace {
  add(line: string): void
  hash(): string
  /** The last lines, oldest first. */
  tail(): string[]
}

const KEPT_LINES = 2_000

export function createTrace(onLine?: (line: string) => void): Trace {
  let lines: string[] = []
  // FNV-1a, 32 bits.
  let state = 0x811c9dc5
  return {
    add(line) {
      onLine?.(line)
      for (let index = 0; index < line.length; index += 1) {
        state = Math.imul(state ^ line.charCodeAt(index), 0x01000193)
      }
      lines.push(line)
      if (lines.length > 2 * KEPT_LINES) lines = lines.slice(-KEPT_LINES)
    },
    hash: () => (state >>> 0).toString(16).padStart(8, '0'),
    tail: () => lines.slice(-KEPT_LINES),
  }
}
