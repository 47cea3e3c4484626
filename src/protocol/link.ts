/**
 * What is known of the way to the server. The leading tab finds it out; the other tabs and the worker are told.
 */
export interface Link {
  /** Whether the server is believed to be in reach. */
  online: boolean
  /** From the time that small answers took, and the browser's own word where it has one; `none` where not online. */
  quality: 'fast' | 'slow' | 'none'
  /** Whether the person asked the browser to spare data; false where the browser does not tell. */
  saveData: boolean
  /** The median of the last answers, in milliseconds; left out where none was measured. */
  latencyMs?: number
  /** When this was last found out, in milliseconds since the epoch. */
  measuredAt: number
}

/**
 * Says whether a value from storage or from a message is a link: every member of its type, in its range, and a quality
 * other than `none` exactly where it is online. Members that a newer version may add are let pass.
 *
 * @example
 * isLink({ online: true, quality: 'fast', saveData: false, latencyMs: 40, measuredAt: 1_795_262_400_000 }) // true
 */
export function isLink(value: unknown): value is Link {
  if (typeof value !== 'object' || value === null) return false
  const { online, quality, saveData, latencyMs, measuredAt } = value as { [K in keyof Link]?: unknown }
  return (
    typeof online === 'boolean' &&
    (online ? quality === 'fast' || quality === 'slow' : quality === 'none') &&
    typeof saveData === 'boolean' &&
    (latencyMs === undefined || isAmount(latencyMs)) &&
    isAmount(measuredAt)
  )
}

/**
 * Whether to send little: the link is slow, or the person spares data. False where that was found out too long ago to
 * go by, see `isRecent`: what is not known holds nothing back.
 *
 * @example
 * const link: Link = { online: true, quality: 'slow', saveData: false, measuredAt: 1_795_262_400_000 }
 * isThrifty(link, link.measuredAt + 60_000) // true
 */
export function isThrifty(link: Link, now: number): boolean {
  return (link.quality === 'slow' || link.saveData) && isRecent(link, now)
}

/**
 * Whether a link still holds at `now`, milliseconds since the epoch: for five minutes. One from the future does not,
 * beyond a second: the device's clock was set back since, and nobody knows how old it is.
 *
 * @example
 * isRecent({ measuredAt: 1_795_262_400_000 }, 1_795_262_700_001) // false: five minutes and a millisecond
 */
export function isRecent({ measuredAt }: Pick<Link, 'measuredAt'>, now: number): boolean {
  const ageMs = now - measuredAt
  return ageMs >= -CLOCK_NOISE_MS && ageMs <= RECENT_MS
}

function isAmount(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

const RECENT_MS = 5 * 60 * 1000

/** A clock that is corrected by less than this is not taken for one that was set back. */
const CLOCK_NOISE_MS = 1000
