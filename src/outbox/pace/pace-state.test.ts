import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decide, freshPace, type OriginPace, onAnswer, onNetworkFailure, onSend } from './origin-pace.ts'
import { FRESH_PACE_STATE, type PaceState, paceOf, parsePaceState, withPace } from './pace-state.ts'
import { mayRetry } from './retry-budget.ts'

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
    fc.assert(fc.property(fc.anything(), value => usable(parsePaceState({ version: 1, origins: value }))))
    fc.assert(fc.property(fc.anything(), value => usable(parsePaceState({ version: 1, origins: [['a', 0, value]] }))))
  })

  it('gives what can be used where a part of a record is missing, or no number', () => {
    const good: PaceState = withPace(FRESH_PACE_STATE, ORIGIN, troubled(), 7)
    const bad = [undefined, null, Number.NaN, Number.POSITIVE_INFINITY, -1, 0, '', 'x', true]
    for (const path of leaves(good)) {
      for (const value of bad) usable(parsePaceState(replaced(good, path, value)))
    }
  })
})

function fast() {
  const answer = { status: 200, rttMs: 5, inFlight: 2, moreWork: true }
  return onAnswer(freshPace(BOUNDS), answer, { now: 0, random: () => 0, bounds: BOUNDS })
}

/** With everything on record that there can be. */
function troubled(): OriginPace {
  const ports = { now: 0, random: () => 0, bounds: BOUNDS }
  const answer = { status: 500, rttMs: 5, inFlight: 1, moreWork: true, rateLimit: { atOnce: 3 } }
  let pace = onNetworkFailure(onSend(fast(), { now: 0, isRetry: true }), { rttMs: 5 }, ports)
  pace = onAnswer(pace, { ...answer, status: 503, retryAfterMs: 1_000 }, ports)
  for (let i = 0; i < 10; i++) pace = onAnswer(pace, answer, ports)
  pace = onAnswer(pace, { ...answer, rateLimit: { quota: { remaining: 5, resetMs: 60_000 } } }, ports)
  pace = onSend(pace, { now: 5_000, isRetry: true })
  return {
    ...onNetworkFailure(pace, { rttMs: 100_000 }, ports),
    breaker: { ...pace.breaker, window: fast().breaker.window },
  }
}

/** Whatever was there: within two days it sends, again and again, and never too many at once. */
function usable(state: PaceState): void {
  for (const [origin] of state.origins) {
    let pace = paceOf(state, origin, 0, BOUNDS)
    let now = 10_000
    let sent = 0
    for (let turn = 0; turn < 100 && sent < 10; turn++) {
      const decision = decide(pace, { now, inFlight: 0, bounds: BOUNDS })
      if (decision.kind === 'wait') {
        now = decision.until
        continue
      }
      if (decision.kind === 'go') expect(decision.slots).toBeLessThanOrEqual(6)
      if (decision.kind === 'go') expect(decision.slots).toBeGreaterThanOrEqual(1)
      pace = onSend(pace, { now, isRetry: mayRetry(pace.budget, now).kind === 'go' })
      now += 10
      pace = onAnswer(
        pace,
        { status: 200, rttMs: 10, inFlight: 1, moreWork: true },
        { now, random: () => 0, bounds: BOUNDS },
      )
      sent += 1
    }
    expect(sent).toBe(10)
    expect(now).toBeLessThan(2 * 24 * 60 * 60 * 1000)
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
