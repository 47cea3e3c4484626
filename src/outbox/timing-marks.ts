/** What this takes of `performance`. */
export interface TimingPort {
  now(): number
  measure(name: string, options: { end: number; duration: number; detail?: unknown }): unknown
  clearMeasures(name: string): void
}

export type TimingName = 'holdfast:mutate' | 'holdfast:attempt' | 'holdfast:drain'

/** Marks what has just ended, and took so long. Milliseconds. */
export type MarkTiming = (name: TimingName, durationMs: number, detail?: unknown) => void

/** The browser keeps each measure until the page or the worker ends, which may be days: so many of each name. */
const MOST_KEPT = 100

/**
 * Shows what Holdfast does in the performance panel, and to a `PerformanceObserver` for `measure` (User Timing Level 3).
 * At most 100 of each name are kept in the browser's buffer: then, and with the first one, those before are cleared. An
 * observer sees them all. Never throws: a browser without User Timing, or a detail that cannot be cloned, gives no mark.
 *
 * @example
 * const mark = createTimingMarks(performance)
 * mark('holdfast:attempt', 42, { status: 201 })
 */
export function createTimingMarks(port: TimingPort | undefined): MarkTiming {
  const room: Partial<Record<TimingName, number>> = {}
  return (name, durationMs, detail) => {
    try {
      if (!port) return
      if (!room[name]) port.clearMeasures(name)
      room[name] = (room[name] || MOST_KEPT) - 1
      port.measure(name, { end: port.now(), duration: durationMs, detail })
    } catch {
      // To be seen is not worth a mutation.
    }
  }
}
