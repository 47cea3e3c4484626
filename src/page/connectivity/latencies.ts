/** What the last answers say about the speed of the link. */
export interface Latencies {
  /** Takes one more measurement: milliseconds, and when it was made by a clock that nobody sets. */
  add(latencyMs: number, at: number): void
  /** The median of what was measured, rounded; nothing where nothing was. */
  median(): number | undefined
  isSlow(): boolean
  /** Begins anew: the network is another one, or somebody else has measured. */
  reset(known?: { latencyMs?: number; isSlow: boolean; at: number }): void
}

/** A link is slow when the median is above this many milliseconds. */
const SLOW_ABOVE_MS = 800

/** A slow link is fast again when the median is below this: with one bound for both it would flap. */
const FAST_BELOW_MS = 500

/**
 * Keeps the last five measurements of the last five minutes. The median, since one answer that took long says little.
 *
 * @example
 * const latencies = createLatencies()
 * for (const latencyMs of [900, 40, 950]) latencies.add(latencyMs, performance.now())
 * latencies.median() // 900
 * latencies.isSlow() // true
 */
export function createLatencies(): Latencies {
  let kept: { latencyMs: number; at: number }[] = []
  let isSlow = false
  const median = () => medianOf(kept.map(({ latencyMs }) => latencyMs))
  return {
    add(latencyMs, at) {
      if (!(latencyMs >= 0 && latencyMs < Number.POSITIVE_INFINITY)) return
      kept = [...kept.filter(one => at - one.at <= KEEP_MS), { latencyMs, at }].slice(-COUNT)
      const middle = median() ?? 0
      isSlow = middle > SLOW_ABOVE_MS || (isSlow && middle >= FAST_BELOW_MS)
    },
    median,
    isSlow: () => isSlow,
    reset(known) {
      const { latencyMs, at = 0 } = known ?? {}
      kept = latencyMs === undefined ? [] : [{ latencyMs, at }]
      isSlow = known?.isSlow ?? false
    },
  }
}

const COUNT = 5
const KEEP_MS = 5 * 60 * 1000

function medianOf(values: number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return low === undefined || high === undefined ? undefined : Math.round((low + high) / 2)
}
