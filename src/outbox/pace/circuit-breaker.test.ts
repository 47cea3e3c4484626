import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  breakerAfterAnswer,
  breakerAfterNoAnswer,
  breakerAfterSend,
  type CircuitBreaker,
  CLOSED_BREAKER,
  openUntil,
} from './circuit-breaker.ts'

const LEASE_MS = 60_000

describe('the circuit breaker', () => {
  it('opens when ten answers came and half of them failed', () => {
    const failure = { failed: true, sentAt: 990 }
    let breaker = CLOSED_BREAKER
    for (let i = 0; i < 10; i++) breaker = breakerAfterAnswer(breaker, failure, { now: 1_000, random: () => 0 })
    expect(openUntil(breaker, 1_000)).toBe(3_000)
    expect(phaseOf(fed('fffffffff'), 1_000).kind).toBe('closed')
    expect(phaseOf(fed('sfsfsfsfsf'), 1_000).kind).toBe('open')
    expect(phaseOf(fed('ssfsfsfsfsf'), 1_000).kind).toBe('closed')
  })

  it('forgets failures after half a minute', () => {
    const before = fed('fffffffff')
    const later = breakerAfterAnswer(before, { failed: true, sentAt: 40_990 }, { now: 41_000, random: () => 0 })
    expect(phaseOf(later, 41_000).kind).toBe('closed')
  })

  it('doubles the delay with each failed probe, from 2 s to 60 s', () => {
    for (const [random, expected] of [
      [0, [2_000, 4_000, 8_000, 16_000, 30_000, 30_000]],
      [1, [4_000, 8_000, 16_000, 32_000, 60_000, 60_000]],
    ] as const) {
      let breaker = fed('ffffffffff', random)
      let now = 1_000
      for (const delay of expected) {
        const phase = phaseOf(breaker, now)
        expect(phase).toEqual({ kind: 'open', until: now + delay })
        now += delay
        breaker = breakerAfterSend(breaker, now)
        breaker = breakerAfterAnswer(breaker, { failed: true, sentAt: now }, { now, random: () => random })
      }
    }
  })

  it('closes when the probe succeeds, and begins anew', () => {
    const probing = breakerAfterSend(fed('ffffffffff'), 6_000)
    const closed = breakerAfterAnswer(probing, { failed: false, sentAt: 6_000 }, { now: 6_050, random: () => 0 })
    expect(closed).toEqual(CLOSED_BREAKER)
  })

  it('is not moved by late answers to what was sent before it opened', () => {
    const open = fed('ffffffffff')
    const ports = { now: 1_100, random: () => 0 }
    expect(breakerAfterAnswer(open, { failed: false, sentAt: 999 }, ports)).toBe(open)
    const probing = breakerAfterSend(open, 6_000)
    expect(breakerAfterAnswer(probing, { failed: false, sentAt: 999 }, { ...ports, now: 6_010 })).toBe(probing)
    expect(breakerAfterNoAnswer(probing, 999)).toBe(probing)
  })

  it('lets another probe go when one got no answer, or was lost with its worker', () => {
    const probing = breakerAfterSend(fed('ffffffffff'), 6_000)
    expect(phaseOf(breakerAfterNoAnswer(probing, 6_000), 6_100).kind).toBe('half-open')
    const restarted: CircuitBreaker = JSON.parse(JSON.stringify(probing))
    expect(phaseOf(restarted, 65_999)).toEqual({ kind: 'open', until: 66_000 })
    expect(phaseOf(restarted, 66_000).kind).toBe('half-open')
  })

  it('does not stay open for days when the clock is set back', () => {
    expect(phaseOf(fed('ffffffffff', 0, 1_000_000_000), 1_000).kind).toBe('half-open')
  })

  it('never has more than one probe under way', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(events(), fc.integer({ min: 0, max: 20_000 }))), all => {
        let breaker = fed('ffffffffff')
        let now = 1_000
        let probeUntil = 0
        let probeAt = 0
        for (const [event, wait] of all) {
          now += wait
          const phase = phaseOf(breaker, now).kind
          const isProbing = now < probeUntil
          if (phase === 'closed') return
          if (isProbing) expect(phase).toBe('open')
          if (event === 'send' && phase === 'half-open') {
            breaker = breakerAfterSend(breaker, now)
            probeAt = now
            probeUntil = now + LEASE_MS
          }
          if (event === 'late') breaker = breakerAfterAnswer(breaker, { failed: false, sentAt: 1_000 }, ports(now))
          if (event === 'restart') breaker = JSON.parse(JSON.stringify(breaker))
          if (!isProbing || event === 'send') continue
          if (event === 'failed') breaker = breakerAfterAnswer(breaker, { failed: true, sentAt: probeAt }, ports(now))
          if (event === 'lost') breaker = breakerAfterNoAnswer(breaker, probeAt)
          if (event === 'failed' || event === 'lost') probeUntil = 0
        }
      }),
    )
  })
})

function phaseOf(breaker: CircuitBreaker, now: number) {
  const until = openUntil(breaker, now)
  return until > 0 ? { kind: 'open', until } : { kind: breaker.opened > 0 ? 'half-open' : 'closed' }
}

function events() {
  return fc.constantFrom('send', 'send', 'failed', 'lost', 'late', 'restart')
}

function ports(now: number) {
  return { now, random: () => 0.5 }
}

/** One answer per letter, at one moment: f failed, s succeeded. */
function fed(answers: string, random = 0, now = 1_000): CircuitBreaker {
  return [...answers].reduce(
    (state, letter) =>
      breakerAfterAnswer(state, { failed: letter === 'f', sentAt: now - 10 }, { now, random: () => random }),
    CLOSED_BREAKER,
  )
}
