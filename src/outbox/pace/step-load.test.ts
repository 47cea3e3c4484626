import { describe, expect, it } from 'vitest'
import { decide, freshPace, type OriginPace, onAnswer, onSend } from './origin-pace.ts'

const BOUNDS = { min: 1, max: 6 }

describe('the pace against a server', () => {
  it('takes a fast server within a tenth of a fixed limit of 6', () => {
    for (const serviceMs of [1, 2, 10, 20, 100]) {
      const server = { workers: 64, serviceMs }
      const fixed = run({ requests: 2_000, server, limit: 6 })
      const paced = run({ requests: 2_000, server })
      expect(paced.endedAt / fixed.endedAt, `${serviceMs} ms`).toBeLessThan(1.02)
    }
  })

  it('runs at 6 in flight within two dozen answers', () => {
    const { answers } = run({ requests: 200, server: { workers: 64, serviceMs: 20 } })
    expect(answers.slice(24, 190).every(({ inFlight }) => inFlight === 6)).toBe(true)
  })

  it('keeps its pace where answers take now shorter, now longer', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const server = { workers: 64, serviceMs: 60, spread: 0.6 }
      const fixed = run({ requests: 2_000, server, limit: 6, seed })
      const paced = run({ requests: 2_000, server, seed })
      expect(paced.endedAt / fixed.endedAt, `seed ${seed}`).toBeLessThan(1.1)
    }
  })

  it('reaches 90 % of what a server of any size can do, and leaves no long queue', () => {
    for (const workers of [1, 2, 3, 4, 6]) {
      for (let seed = 1; seed <= 5; seed++) {
        const server = { workers, serviceMs: 100, spread: 0.2 }
        const best = run({ requests: 1_000, server, limit: workers, seed })
        const paced = run({ requests: 1_000, server, seed })
        expect(best.endedAt / paced.endedAt, `${workers} workers, seed ${seed}`).toBeGreaterThan(0.9)
        expect(meanRtt(paced.answers.slice(100)), `${workers} workers, seed ${seed}`).toBeLessThan(350)
      }
    }
  })

  it('takes a server that thrashes twice as fast as a fixed limit of 6 does', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const server = { workers: 3, serviceMs: 50, spread: 0.1, thrash: 1 }
      const fixed = run({ requests: 1_000, server, limit: 6, seed })
      const paced = run({ requests: 1_000, server, seed })
      expect(fixed.endedAt / paced.endedAt, `seed ${seed}`).toBeGreaterThan(2)
    }
  })

  it('follows a server that loses capacity, and takes it back', () => {
    const server = { workers: 6, serviceMs: 50, spread: 0.1, queue: 1, step: { from: 20_000, to: 40_000, workers: 2 } }
    const { answers } = run({ requests: 6_000, server, seed: 3 })
    const during = (from: number, to: number) => {
      const inTime = answers.filter(({ at }) => at >= from && at < to)
      const good = inTime.filter(({ status }) => status === 200)
      return { perSecond: (good.length / (to - from)) * 1000, refused: 1 - good.length / inTime.length }
    }
    const full = (6 * 1000) / server.serviceMs
    const reduced = (2 * 1000) / server.serviceMs
    expect(during(5_000, 20_000).perSecond).toBeGreaterThan(0.9 * full)
    expect(during(21_000, 40_000).perSecond).toBeGreaterThan(0.9 * reduced)
    expect(during(21_000, 40_000).refused).toBeLessThan(0.1)
    expect(during(42_000, 50_000).perSecond).toBeGreaterThan(0.9 * full)
  })

  it('learns a network that became slower, and uses it in full again', () => {
    const server = { workers: 64, serviceMs: 30, slower: { from: 5_000, times: 10 } }
    const { answers } = run({ requests: 3_000, server })
    const late = answers.filter(({ at }) => at > 45_000).slice(0, -6)
    expect(late.length).toBeGreaterThan(100)
    expect(late.every(({ inFlight }) => inFlight === 6)).toBe(true)
  })
})

interface Server {
  workers: number
  serviceMs: number
  /** The width of the log-normal noise on the time of service. */
  spread?: number
  /** How much longer everything takes per request beyond its workers, in times. */
  thrash?: number
  /** Requests that may wait for a worker; beyond: 503. Default: no bound. */
  queue?: number
  /** Another number of workers for a while. */
  step?: { from: number; to: number; workers: number }
  /** From a time on, everything takes so many times as long. */
  slower?: { from: number; times: number }
}

interface Answer {
  at: number
  rttMs: number
  inFlight: number
  status: number
}

/** Sends all requests through the pace, or at a fixed limit, in simulated time. A refused one is sent again at the end. */
function run({
  requests,
  server,
  limit,
  seed = 1,
}: {
  requests: number
  server: Server
  limit?: number
  seed?: number
}): {
  endedAt: number
  answers: Answer[]
} {
  const random = seeded(seed)
  const answers: Answer[] = []
  const underWay: { sentAt: number; endsAt: number; status: number }[] = []
  let pace: OriginPace = freshPace(BOUNDS)
  let waiting = requests
  let now = 0
  while (waiting > 0 || underWay.length > 0) {
    const decision =
      limit === undefined
        ? decide(pace, { now, inFlight: underWay.length, bounds: BOUNDS })
        : ({ kind: 'go', slots: limit - underWay.length } as const)
    const slots = decision.kind === 'go' ? Math.min(decision.slots, waiting) : decision.kind === 'probe' ? 1 : 0
    for (let i = 0; i < slots; i++) {
      underWay.push(served(server, { now, random, underWay }))
      pace = onSend(pace, { now, isRetry: false })
      waiting -= 1
    }
    underWay.sort((a, b) => a.endsAt - b.endsAt)
    const first = underWay[0]
    if (decision.kind === 'wait' && waiting > 0 && decision.until < (first?.endsAt ?? Number.POSITIVE_INFINITY)) {
      now = decision.until
      continue
    }
    if (!first) throw new Error('Nothing is under way, and nothing is due.')
    now = first.endsAt
    const answer = { rttMs: now - first.sentAt, inFlight: underWay.length, status: first.status }
    expect(underWay.length).toBeLessThanOrEqual(BOUNDS.max)
    underWay.shift()
    pace = onAnswer(pace, { ...answer, moreWork: waiting > 0 }, { now, random, bounds: BOUNDS })
    if (first.status !== 200) waiting += 1
    answers.push({ at: now, ...answer })
  }
  return { endedAt: now, answers }
}

/** A server of some workers: who finds them busy waits for the one that is free first. */
function served(
  { workers, serviceMs, spread = 0, thrash = 0, queue = Number.POSITIVE_INFINITY, step, slower }: Server,
  { now, random, underWay }: { now: number; random: () => number; underWay: { endsAt: number; status: number }[] },
): { sentAt: number; endsAt: number; status: number } {
  const size = step && now >= step.from && now < step.to ? step.workers : workers
  const busy = underWay.filter(({ status }) => status === 200).map(({ endsAt }) => endsAt)
  if (busy.length >= size + queue) return { sentAt: now, endsAt: now + 2, status: 503 }
  const startsAt = busy.length < size ? now : (busy.sort((a, b) => b - a)[size - 1] ?? now)
  const excess = Math.max(0, busy.length + 1 - size)
  const base = slower && now >= slower.from ? serviceMs * slower.times : serviceMs
  const timeMs = base * Math.exp(spread * normal(random)) * (1 + thrash * excess)
  return { sentAt: now, endsAt: Math.max(now, startsAt) + timeMs, status: 200 }
}

function meanRtt(answers: Answer[]): number {
  return answers.reduce((sum, { rttMs }) => sum + rttMs, 0) / answers.length
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** mulberry32: small, seeded, good enough to spread times. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
