import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decide, freshPace, onAnswer } from './origin-pace.ts'
import { FRESH_PACE_STATE, type PaceState, paceOf, parsePaceState, withPace } from './pace-state.ts'

const BOUNDS = { min: 1, max: 6 }
const ORIGIN = 'https://api.example'
const TEN_MINUTES = 600_000

describe('the pace of several origins', () => {
  it('keeps each apart', () => {
    const state = withPace(FRESH_PACE_STATE, ORIGIN, fast(), 0)
    expect(paceOf(state, ORIGIN, 0, BOUNDS)).toEqual(fast())
    expect(paceOf(state, 'https://other.example', 0, BOUNDS)).toEqual(freshPace(BOUNDS))
  })

  it('forgets the origins used longest ago beyond fifty', () => {
    let state = withPace(FRESH_PACE_STATE, ORIGIN, fast(), 0)
    for (let i = 0; i < 49; i++) state = withPace(state, `https://${i}.example`, fast(), i)
    state = withPace(state, ORIGIN, fast(), 50)
    for (let i = 49; i < 60; i++) state = withPace(state, `https://${i}.example`, fast(), i)
    expect(state.origins).toHaveLength(50)
    const names = state.origins.map(([name]) => name)
    expect(names).toContain(ORIGIN)
    expect(names).not.toContain('https://0.example')
  })

  it('measures anew after ten minutes of rest, but keeps the pause that the server asked for', () => {
    const answer = { status: 503, rttMs: 5, inFlight: 1, moreWork: true, retryAfterMs: 3_600_000 }
    const paused = onAnswer(fast(), answer, { now: 0, random: () => 0, bounds: BOUNDS })
    const state = withPace(FRESH_PACE_STATE, ORIGIN, paused, 0)
    expect(paceOf(state, ORIGIN, TEN_MINUTES, BOUNDS)).toEqual(paused)
    const rested = paceOf(state, ORIGIN, TEN_MINUTES + 1, BOUNDS)
    expect(rested.limit).toEqual(freshPace(BOUNDS).limit)
    expect(decide(rested, { now: TEN_MINUTES + 1, inFlight: 0, bounds: BOUNDS })).toEqual({
      kind: 'wait',
      until: 3_600_000,
    })
  })
})

describe('parsePaceState', () => {
  it('reads what was stored', () => {
    const state = withPace(FRESH_PACE_STATE, ORIGIN, fast(), 7)
    expect(parsePaceState(JSON.parse(JSON.stringify(state)))).toEqual(state)
    expect(parsePaceState(structuredClone(state))).toEqual(state)
  })

  it('gives a fresh state for a damaged record, and leaves a damaged entry out', () => {
    expect(parsePaceState('what is this?')).toEqual({ version: 1, origins: [] })
    expect(parsePaceState({ version: 2, origins: [] })).toEqual(FRESH_PACE_STATE)
    const good = withPace(FRESH_PACE_STATE, ORIGIN, fast(), 7)
    const bad = ['https://bad.example', 7, { ...fast(), limit: { ...fast().limit, limit: null } }]
    expect(parsePaceState({ ...good, origins: [bad, ...good.origins, 5] })).toEqual(good)
  })

  it('never throws, whatever is stored, and what it gives can be used', () => {
    fc.assert(fc.property(fc.anything(), value => usable(parsePaceState(value))))
    const good: PaceState = JSON.parse(JSON.stringify(withPace(FRESH_PACE_STATE, ORIGIN, fast(), 7)))
    const paths = leaves(good)
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.anything(), (path, value) => {
        usable(parsePaceState(replaced(good, path, value)))
      }),
    )
  })
})

function fast() {
  const answer = { status: 200, rttMs: 5, inFlight: 2, moreWork: true }
  return onAnswer(freshPace(BOUNDS), answer, { now: 0, random: () => 0, bounds: BOUNDS })
}

function usable(state: PaceState): void {
  for (const [origin] of state.origins) {
    const pace = paceOf(state, origin, 0, BOUNDS)
    const decision = decide(pace, { now: 0, inFlight: 0, bounds: BOUNDS })
    if (decision.kind === 'go') expect(decision.slots).toBeLessThanOrEqual(6)
    if (decision.kind === 'wait') expect(decision.until).toBeGreaterThan(0)
  }
}

/** The path to every value within. */
function leaves(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([name, part]) => leaves(part, [...path, name]))]
}

function replaced(value: unknown, [name, ...rest]: string[], by: unknown): unknown {
  if (name === undefined || typeof value !== 'object' || value === null) return by
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value) ? [...value] : { ...value }
  Object.assign(copy, { [name]: replaced(Reflect.get(value, name), rest, by) })
  return copy
}
