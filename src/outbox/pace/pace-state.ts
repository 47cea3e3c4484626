import type { LimitBounds } from './concurrency-limit.ts'
import { afterRest, freshPace, isOriginPace, type OriginPace } from './origin-pace.ts'

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
  const entry = state.origins.find(([name]) => name === origin)
  if (!entry) return freshPace(bounds)
  const [, usedAt, pace] = entry
  return now - usedAt > REST_MS ? afterRest(pace, bounds) : pace
}

/** Keeps the pace of one origin. Of more than 50 origins, those used longest ago are forgotten. */
export function withPace(state: PaceState, origin: string, pace: OriginPace, now: number): PaceState {
  const others = state.origins.filter(([name]) => name !== origin)
  return { version: VERSION, origins: [...others, [origin, now, pace] as const].slice(-MOST_ORIGINS) }
}

/**
 * Reads a stored record. Never throws: a damaged record, or one of another version, gives a fresh state, and a damaged
 * entry of a sound one is left out. Pace is learned again within some dozens of answers.
 *
 * @example
 * parsePaceState('what is this?') // { version: 1, origins: [] }
 */
export function parsePaceState(value: unknown): PaceState {
  const { version, origins } = (value ?? {}) as Partial<Record<keyof PaceState, unknown>>
  if (version !== VERSION || !Array.isArray(origins)) return FRESH_PACE_STATE
  return { version: VERSION, origins: origins.filter(isEntry).slice(-MOST_ORIGINS) }
}

function isEntry(value: unknown): value is OriginEntry {
  if (!Array.isArray(value) || value.length !== 3) return false
  return typeof value[0] === 'string' && Number.isFinite(value[1]) && isOriginPace(value[2])
}
