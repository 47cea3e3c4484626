import type { LimitBounds } from './concurrency-limit.ts'
import { freshPace, type OriginPace } from './origin-pace.ts'

/** The pace of every origin, as one plain record. The one used last stands last. */
export interface PaceState {
  readonly version: typeof VERSION
  readonly origins: readonly OriginEntry[]
}

type OriginEntry = readonly [origin: string, usedAt: number, pace: OriginPace]

const VERSION = 1
const MOST_ORIGINS = 50
const REST_MS = 10 * 60 * 1000

export const FRESH_PACE_STATE: PaceState = { version: VERSION, origins: [] }

/** The pace of one origin; one that rested for ten minutes is measured anew, but what its server asked for holds. */
export function paceOf(state: PaceState, origin: string, now: number, bounds: LimitBounds): OriginPace {
  const fresh = freshPace(bounds)
  const [, usedAt, pace] = state.origins.find(([name]) => name === origin) ?? [origin, now, fresh]
  return now - usedAt > REST_MS ? { ...pace, limit: fresh.limit, unreachable: undefined, refusals: 0 } : pace
}

/** Keeps the pace of one origin. Of more than 50 origins, those used longest ago are forgotten. */
export function withPace(state: PaceState, origin: string, pace: OriginPace, now: number): PaceState {
  const others = state.origins.filter(([name]) => name !== origin)
  return { version: VERSION, origins: [...others, [origin, now, pace] as const].slice(-MOST_ORIGINS) }
}

/**
 * Reads a stored record: its version, and of each origin that everything a fresh one has is there, and of its kind. Never
 * throws; what does not fit is forgotten, and pace is learned again within some dozens of answers.
 *
 * @example
 * parsePaceState('what is this?') // { version: 1, origins: [] }
 */
export function parsePaceState(value: unknown): PaceState {
  if (!fits(value, FRESH_PACE_STATE) || value.version !== VERSION) return FRESH_PACE_STATE
  const like: OriginEntry = ['', 0, freshPace({ min: 1, max: 1 })]
  return { version: VERSION, origins: value.origins.filter(entry => fits(entry, like)) }
}

/** Whether a value has all that another one has, each of the same kind, and no number that is none. */
function fits<T extends object>(value: unknown, like: T): value is T {
  return Object.entries(like).every(([name, part]) => {
    const own = (value as Record<string, unknown> | null | undefined)?.[name]
    return own?.constructor === part.constructor && !Number.isNaN(own) && fits(own, part)
  })
}
