/**
 * The value that `share` of the samples do not exceed, interpolated between neighbours. Throws on no samples.
 *
 * @example
 * percentile([1, 2, 3, 4, 5], 0.5) // 3
 */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const place = share * (sorted.length - 1)
  const below = sorted[Math.floor(place)]
  const above = sorted[Math.ceil(place)]
  if (below === undefined || above === undefined) throw new RangeError('There are no samples.')
  return below + (above - below) * (place - Math.floor(place))
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5)
}

export function sum(samples: readonly number[]): number {
  return samples.reduce((total, sample) => total + sample, 0)
}

/** A ratio measured in rounds: the median, and the quartiles that say how steady it was. */
export interface Ratio {
  median: number
  low: number
  high: number
}

/**
 * Compares two series round by round. Neighbours in time are divided by each other, so that a machine that becomes slower
 * in the course of the run weighs on both.
 */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): Ratio {
  const ratios = ours.map((value, round) => value / (theirs[round] ?? Number.NaN))
  return { median: median(ratios), low: percentile(ratios, 0.25), high: percentile(ratios, 0.75) }
}
