import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decide,
  freshPace,
  type OriginPace,
  onAbandoned,
  onAnswer,
  onNetworkFailure,
  onSend,
  type PaceAnswer,
} from './origin-pace.ts'
import { FRESH_PACE_STATE, parsePaceState, withPace } from './pace-state.ts'
import { mayRetry } from './retry-budget.ts'

const BOUNDS = { min: 1, max: 6 }
const OK: PaceAnswer = { status: 200, rttMs: 10, inFlight: 1, moreWork: true }

describe('decide', () => {
  it('gives the slots that are free', () => {
    const bounds = { min: 1, max: 6 }
    expect(decide(freshPace(bounds), { now: 0, inFlight: 1, bounds })).toEqual({ kind: 'go', slots: 1 })
    expect(decide(freshPace(BOUNDS), { now: 0, inFlight: 9, bounds: BOUNDS })).toEqual({ kind: 'go', slots: 0 })
  })
})

describe('several reasons to wait', () => {
  it('hold all: the latest decides', () => {
    const rateLimit = { quota: { remaining: 0, resetMs: 60_000 } }
    const used = answered(freshPace(BOUNDS), { ...OK, rateLimit })
    const unreachable = onNetworkFailure(used, { rttMs: 5 }, { now: 1_000, random: () => 0 })
    expect(asked(unreachable, 1_000)).toEqual({ kind: 'wait', until: 61_000 })
    expect(asked(unreachable, 1_000, 3)).toEqual({ kind: 'wait', until: 61_000 })
  })
})

describe('an answer', () => {
  it('with Retry-After pauses the whole origin for that long', () => {
    for (const status of [429, 503]) {
      const paused = answered(freshPace(BOUNDS), { ...OK, status, retryAfterMs: 30_000 })
      expect(asked(paused, 1_000)).toEqual({ kind: 'wait', until: 31_000 })
      expect(asked(paused, 31_000)).toEqual({ kind: 'go', slots: 1 })
    }
  })

  it('with Retry-After is never earlier for the jitter, and never later by more than a tenth', () => {
    const paused = answered(freshPace(BOUNDS), { ...OK, status: 429, retryAfterMs: 30_000 }, 1_000, 0.999)
    expect(asked(paused, 1_000)).toEqual({ kind: 'wait', until: 33_997 })
  })

  it('with a shorter Retry-After does not shorten a pause', () => {
    const long = answered(freshPace(BOUNDS), { ...OK, status: 503, retryAfterMs: 30_000 })
    expect(asked(answered(long, { ...OK, status: 503, retryAfterMs: 1_000 }), 1_000)).toMatchObject({ until: 31_000 })
  })

  it('with a Retry-After of years is asked again after a day', () => {
    const paused = answered(freshPace(BOUNDS), { ...OK, status: 503, retryAfterMs: 1e15 })
    expect(asked(paused, 1_000)).toEqual({ kind: 'wait', until: 86_401_000 })
  })

  it('of 429 or 503 without it slows down: first fewer at once, then longer and longer waits', () => {
    let pace = answered(freshPace(BOUNDS), { ...OK, status: 429 })
    expect(asked(pace, 1_000)).toEqual({ kind: 'go', slots: 1 })
    const waits: number[] = []
    let now = 2_000
    for (let i = 0; i < 9; i++) {
      pace = answered(pace, { ...OK, status: 429 }, now)
      const decision = asked(pace, now)
      if (decision.kind !== 'wait') throw new Error(`It says ${decision.kind}.`)
      waits.push(decision.until - now)
      now = decision.until
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
    const well = answered(pace, OK, now)
    expect(asked(well, now)).toEqual({ kind: 'go', slots: 1 })
    expect(asked(answered(well, { ...OK, status: 429 }, now + 50), now + 50)).toEqual({
      kind: 'wait',
      until: now + 550,
    })
  })

  it('with a used up quota pauses until there is more, unless Retry-After says otherwise', () => {
    const rateLimit = { quota: { remaining: 0, resetMs: 20_000 } }
    expect(asked(answered(freshPace(BOUNDS), { ...OK, rateLimit }), 1_000)).toEqual({ kind: 'wait', until: 21_000 })
    const both = answered(freshPace(BOUNDS), { ...OK, status: 429, rateLimit, retryAfterMs: 5_000 })
    expect(asked(both, 1_000)).toEqual({ kind: 'wait', until: 6_000 })
  })

  it('with little quota left spreads it, one at a time', () => {
    let pace = answered(freshPace(BOUNDS), { ...OK, rateLimit: { quota: { remaining: 4, resetMs: 10_000 } } })
    let now = 1_000
    const sentAt: number[] = []
    while (now < 11_000) {
      const decision = asked(pace, now)
      if (decision.kind === 'wait') now = decision.until
      else {
        expect(decision).toEqual({ kind: 'go', slots: 1 })
        pace = onSend(pace, { now, isRetry: false })
        sentAt.push(now)
      }
    }
    expect(sentAt).toEqual([3_000, 5_000, 7_000, 9_000])
  })

  it('takes what is under way off the quota', () => {
    const rateLimit = { quota: { remaining: 2, resetMs: 10_000 } }
    expect(asked(answered(freshPace(BOUNDS), { ...OK, inFlight: 3, rateLimit }), 1_000)).toMatchObject({
      until: 11_000,
    })
  })

  it('with a ceiling on requests at once is held to it', () => {
    const held = answered(freshPace(BOUNDS), { ...OK, rateLimit: { atOnce: 1 } })
    expect(asked(held, 1_000)).toMatchObject({ slots: 1 })
    expect(asked(answered(held, { ...OK, rateLimit: {} }), 1_000)).toMatchObject({ slots: 1 })
    // Where none may go one does, which hears when that changes.
    expect(asked(answered(held, { ...OK, rateLimit: { atOnce: 0 } }), 1_000)).toMatchObject({ slots: 1 })
  })

  it('of 5xx opens the breaker, of 429 does not, and one probe closes it', () => {
    let pace = freshPace(BOUNDS)
    for (let i = 0; i < 10; i++) pace = answered(pace, { ...OK, status: 500 })
    expect(asked(pace, 1_000)).toEqual({ kind: 'wait', until: 3_000 })
    expect(asked(pace, 3_000)).toEqual({ kind: 'probe' })
    expect(asked(pace, 3_000, 1)).toEqual({ kind: 'go', slots: 0 })
    pace = onSend(pace, { now: 3_000, isRetry: false })
    expect(asked(pace, 6_001).kind).toBe('wait')
    expect(asked(onAbandoned(pace, { rttMs: 5 }, { now: 6_005 }), 6_005)).toEqual({ kind: 'probe' })
    expect(asked(answered(pace, OK, 6_010), 6_010).kind).toBe('go')
    let refused = freshPace(BOUNDS)
    for (let i = 0; i < 10; i++) refused = answered(refused, { ...OK, status: 422 })
    expect(asked(refused, 1_000).kind).toBe('go')
    for (let i = 0; i < 10; i++) refused = answered(refused, { ...OK, status: 429 })
    expect(refused.breaker.opened).toBe(0)
  })

  it('that is a quick refusal of one mutation says nothing of how long work takes', () => {
    const pace = answered(freshPace(BOUNDS), { ...OK, rttMs: 100, inFlight: 2 })
    for (const status of [404, 422, 500]) expect(answered(pace, { ...OK, status, rttMs: 1 }).limit).toEqual(pace.limit)
  })

  it('gives a retry its place in the budget back when it succeeds', () => {
    let pace = freshPace(BOUNDS)
    for (let i = 0; i < 10; i++) pace = onSend(pace, { now: 1_000, isRetry: true })
    expect(mayRetry(pace.budget, 1_000).kind).toBe('wait')
    expect(mayRetry(answered(pace, { ...OK, isRetry: true, status: 500 }).budget, 1_000).kind).toBe('wait')
    expect(mayRetry(answered(pace, { ...OK, isRetry: true }).budget, 1_000).kind).toBe('go')
  })
})

describe('a network failure', () => {
  const failed = (pace: OriginPace, now: number) => onNetworkFailure(pace, { rttMs: 5 }, { now, random: () => 0 })

  it('waits longer with each in a row, counts those under way at once as one, and then tries one', () => {
    const once = failed(freshPace(BOUNDS), 1_000)
    expect(asked(once, 1_000)).toEqual({ kind: 'wait', until: 1_500 })
    expect(failed(once, 1_100).unreachable).toEqual(once.unreachable)
    expect(asked(once, 1_500)).toEqual({ kind: 'go', slots: 1 })
    expect(asked(once, 1_500, 1)).toEqual({ kind: 'go', slots: 0 })
    expect(asked(failed(once, 1_600), 1_600)).toEqual({ kind: 'wait', until: 2_600 })
  })

  it('is no reason to wait once the network may be back, and forgotten with the first answer', () => {
    const once = failed(freshPace(BOUNDS), 1_000)
    expect(decide(once, { now: 1_001, inFlight: 0, bounds: BOUNDS, eagerBefore: 1_001 })).toMatchObject({ slots: 1 })
    expect(answered(once, OK, 1_600).unreachable).toBeUndefined()
  })

  it('does not count against the server', () => {
    let pace = freshPace(BOUNDS)
    for (let i = 1; i <= 100; i++) pace = failed(pace, i * 100_000)
    expect(pace.breaker).toEqual(freshPace(BOUNDS).breaker)
    expect(pace.limit).toEqual(freshPace(BOUNDS).limit)
    expect(pace.unreachable?.until).toBe(10_030_000)
  })

  it('is what a time-out is too, which counts against the server besides', () => {
    const pace = answered(freshPace(BOUNDS), { ...OK, status: 'timeout', rttMs: 30_000 }, 40_000)
    expect(asked(pace, 40_000)).toEqual({ kind: 'wait', until: 40_500 })
    expect(pace.breaker.window).toEqual([[4, 1, 1]])
  })
})

describe('in any run of events', () => {
  it('no more goes out than the bounds allow, waits end, and the state survives a restart', () => {
    fc.assert(
      fc.property(fc.array(events(), { maxLength: 150 }), all => {
        let pace = freshPace(BOUNDS)
        let now = 1_000_000
        let inFlight = 0
        for (const { kind, wait, answer, random } of all) {
          now += wait
          const ports = { now, random: () => random, bounds: BOUNDS }
          const decision = asked(pace, now, inFlight)
          if (decision.kind === 'wait') expect(decision.until).toBeGreaterThan(now)
          const slots = decision.kind === 'go' ? decision.slots : decision.kind === 'probe' ? 1 : 0
          for (let i = 0; i < slots; i++) pace = onSend(pace, { now, isRetry: false })
          inFlight += slots
          expect(inFlight).toBeLessThanOrEqual(BOUNDS.max)
          if (kind === 'restart') inFlight = 0
          if (inFlight > 0 && kind === 'answer') pace = onAnswer(pace, { ...answer, inFlight }, ports)
          if (inFlight > 0 && kind === 'failure') pace = onNetworkFailure(pace, answer, ports)
          if (inFlight > 0 && kind !== 'restart') inFlight -= 1
          pace = JSON.parse(JSON.stringify(pace))
          expect(parsePaceState(withPace(FRESH_PACE_STATE, 'a', pace, now)).origins).toHaveLength(1)
        }
        const rest = now + 25 * 60 * 60 * 1000
        expect(asked(pace, rest).kind).not.toBe('wait')
        expect(asked(pace, 0).kind).not.toBe('wait')
      }),
    )
  })
})

function asked(pace: OriginPace, now: number, inFlight = 0) {
  return decide(pace, { now, inFlight, bounds: BOUNDS })
}

function answered(pace: OriginPace, answer: PaceAnswer, now = 1_000, random = 0): OriginPace {
  return onAnswer(pace, answer, { now, random: () => random, bounds: BOUNDS })
}

function events() {
  const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
  return fc.record({
    kind: fc.constantFrom('answer', 'answer', 'answer', 'failure', 'restart'),
    wait: fc.integer({ min: 0, max: 20_000 }),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    answer: fc.record({
      status: fc.constantFrom<number | 'timeout'>(200, 200, 201, 408, 422, 429, 500, 503, 'timeout'),
      rttMs: fc.integer({ min: 0, max: 30_000 }),
      moreWork: fc.boolean(),
      retryAfterMs: optional(fc.integer({ min: 0, max: 1_000_000_000 })),
      rateLimit: optional(
        fc.record({
          quota: optional(fc.record({ remaining: fc.nat(100), resetMs: fc.nat(1_000_000) })),
          atOnce: fc.constantFrom(undefined, 0, 1, 100),
        }),
      ),
    }),
  })
}
