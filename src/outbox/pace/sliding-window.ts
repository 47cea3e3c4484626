/**
 * Counts over the recent past, in buckets of time: its size does not grow with what it counts. `marked` are those of the
 * total that matter (failures, retries).
 */
export interface SlidingWindow {
  readonly buckets: readonly Bucket[]
}

type Bucket = readonly [slot: number, total: number, marked: number]

/** How long a window looks back: at least `buckets - 1` times `bucketMs`, since the newest bucket is not yet full. */
export interface WindowShape {
  readonly bucketMs: number
  readonly buckets: number
}

export interface Totals {
  readonly total: number
  readonly marked: number
}

export const EMPTY_WINDOW: SlidingWindow = { buckets: [] }

/** Counts one, and forgets what is too old, or from a time that the clock has not reached (it was set back). */
export function count(
  window: SlidingWindow,
  { now, marked }: { now: number; marked: boolean },
  shape: WindowShape,
): SlidingWindow {
  const slot = Math.floor(now / shape.bucketMs)
  const kept = live(window, now, shape)
  const [, total, before] = kept.find(bucket => bucket[0] === slot) ?? [slot, 0, 0]
  const counted: Bucket = [slot, total + 1, before + (marked ? 1 : 0)]
  return { buckets: [...kept.filter(bucket => bucket[0] !== slot), counted] }
}

/** Takes the newest mark back; the total stays. */
export function unmark(window: SlidingWindow): SlidingWindow {
  const index = window.buckets.findLastIndex(([, , marked]) => marked > 0)
  return {
    buckets: window.buckets.map(([slot, total, marked], i) => [slot, total, i === index ? marked - 1 : marked]),
  }
}

export function totals(window: SlidingWindow, now: number, shape: WindowShape): Totals {
  return live(window, now, shape).reduce(
    (sum, [, total, marked]) => ({ total: sum.total + total, marked: sum.marked + marked }),
    { total: 0, marked: 0 },
  )
}

/** The moments at which something drops out of the window, soonest first. */
export function expiries(window: SlidingWindow, now: number, shape: WindowShape): number[] {
  return live(window, now, shape).map(([slot]) => (slot + shape.buckets) * shape.bucketMs)
}

export function isSlidingWindow(value: unknown): value is SlidingWindow {
  const buckets = (value as Partial<SlidingWindow> | null | undefined)?.buckets
  return Array.isArray(buckets) && buckets.length <= MOST_BUCKETS && buckets.every(isBucket)
}

/** More than any window here has; a stored record beyond it is not ours. */
const MOST_BUCKETS = 100

function isBucket(value: unknown): boolean {
  return Array.isArray(value) && value.length === 3 && value.every(part => Number.isSafeInteger(part) && part >= 0)
}

function live({ buckets }: SlidingWindow, now: number, { bucketMs, buckets: size }: WindowShape): Bucket[] {
  const slot = Math.floor(now / bucketMs)
  return buckets.filter(([at]) => at <= slot && at > slot - size)
}
