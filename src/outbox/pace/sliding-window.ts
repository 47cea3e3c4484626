/**
 * Counts over the recent past, in buckets of ten seconds, oldest first: its size does not grow with what it counts.
 * `marked` are those of the total that matter (failures, retries).
 */
export type SlidingWindow = readonly Bucket[]

type Bucket = readonly [slot: number, total: number, marked: number]

const BUCKET_MS = 10_000
/** Two minutes, and one bucket more, because the newest one has only begun. */
const MOST_BUCKETS = 13

/** Counts one, and forgets what is too old, or from a time that the clock has not reached (it was set back). */
export function count(window: SlidingWindow, now: number, isMarked: boolean): SlidingWindow {
  const slot = slotOf(now)
  const [total, marked] = totals(window, now, 1)
  return [...live(window, slot - 1, MOST_BUCKETS - 1), [slot, total + 1, marked + (isMarked ? 1 : 0)]]
}

/** Takes the newest mark back; the total stays. */
export function unmark(window: SlidingWindow): SlidingWindow {
  const newest = window.findLastIndex(bucket => bucket[2] > 0)
  return window.map((bucket, index) => (index === newest ? [bucket[0], bucket[1], bucket[2] - 1] : bucket))
}

/** Within so many buckets, the one that has only begun included. */
export function totals(window: SlidingWindow, now: number, buckets: number): [total: number, marked: number] {
  return live(window, slotOf(now), buckets).reduce((sum, [, total, marked]) => [sum[0] + total, sum[1] + marked], [
    0, 0,
  ] as [number, number])
}

/** The moment at which the next bucket begins, and with it the oldest drops out. */
export function nextBucket(now: number): number {
  return (slotOf(now) + 1) * BUCKET_MS
}

/** What is no bucket, in a record that was damaged, is none. */
function live(window: SlidingWindow, slot: number, buckets: number): Bucket[] {
  return window.filter(bucket => bucket?.[0] <= slot && bucket[0] > slot - buckets)
}

function slotOf(now: number): number {
  return Math.floor(now / BUCKET_MS)
}
