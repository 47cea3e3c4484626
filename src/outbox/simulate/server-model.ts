import type { Random } from './random.ts'
import type { Change } from './server-document.ts'

/** What a route of the server does with a write. */
export type Route =
  | 'ok'
  | 'poison'
  | 'conflict'
  | 'busy'
  | 'limited'
  | 'resting'
  | 'quota'
  | 'slow'
  | 'stuck'
  | 'signed-out'
  /** Refused by itself; in a batch it takes the whole of it down. */
  | 'toxic'

export interface ServerRequest extends Change {
  /** The idempotency key; none where the server gets none. */
  key: string | undefined
  /** Which writes it says it is: several, where they were joined. */
  writes: number[]
  origin: string
  entity: string | undefined
  route: Route
  /** What it took from the answer to another one, into its body. */
  ref: unknown
  /** As the auth provider gave it. */
  token: string | undefined
  /** Everything of the request that must be the same at each attempt. */
  fingerprint: string
}

export interface ServerAnswer {
  status: number
  headers: Record<string, string>
  body: string
  /** Of a batch: the answer to each member that has one. */
  members?: { request: ServerRequest; answer: ServerAnswer }[]
}

/** Work that has begun; the answer is there when `finish` is called, `workMs` later. */
export interface Work {
  workMs: number
  finish: () => ServerAnswer
}

export interface ServerModel {
  receive(request: ServerRequest): Work
  /** What happened, in order. */
  effects: readonly ServerRequest[]
  hasEffect(write: number): boolean
  /** Whether a request of that write ever arrived. */
  knows(write: number): boolean
  /** The names that it gave to what that write made. */
  madeBy(write: number): string[]
}

export interface ServerModelOptions {
  random: Random
  isSignedIn: (request: ServerRequest) => boolean
  report: (check: string, text: string) => void
}

/** Says 503 this many times to each key of the route `busy`; what other routes refuse they refuse once. */
const BUSY_TIMES = 2

/** A server that honours keys, as draft-ietf-httpapi-idempotency-key-header-07 describes it, and keeps a ledger. */
export function createServerModel({ random, isSignedIn, report }: ServerModelOptions): ServerModel {
  const answers = new Map<string, ServerAnswer>()
  const running = new Set<string>()
  const fingerprints = new Map<string, string>()
  const begun = new Map<string, number>()
  const seen = new Set<number>()
  const effects: ServerRequest[] = []
  const made = new Map<number, string[]>()

  const process = (request: ServerRequest): ServerAnswer => {
    const { key, number, writes, route } = request
    const refusal = refusalOf(route, (begun.get(nameOf(request)) ?? 1) - 1)
    if (refusal) return refusal
    // Without keys, and where a person has edited it, twice is nobody's fault.
    const twice = effects.find(one => key && !one.key?.startsWith('edited') && one.writes.some(w => writes.includes(w)))
    if (twice && !key?.startsWith('edited')) {
      report('one effect', `Write ${number} took effect a second time, under the key ${key}.`)
    }
    effects.push(request)
    const id = `made-${number}-${random.below(1_000_000)}`
    made.set(number, [...(made.get(number) ?? []), id])
    const answer = json(201, { write: number, id })
    if (route === 'quota') answer.headers.ratelimit = '"day";r=0;t=8'
    if (key) answers.set(key, answer)
    return answer
  }

  const remember = (request: ServerRequest) => {
    const { key, number, writes, fingerprint } = request
    for (const write of [number, ...writes]) seen.add(write)
    const known = fingerprints.get(nameOf(request)) ?? fingerprint
    fingerprints.set(nameOf(request), known)
    if (key && known !== fingerprint) report('same request', `The attempts of ${key} differ:\n${known}\n${fingerprint}`)
  }

  return {
    effects,
    hasEffect: write => effects.some(({ number }) => number === write),
    knows: write => seen.has(write),
    madeBy: write => made.get(write) ?? [],
    receive(request) {
      remember(request)
      const { key, route } = request
      const stored = key === undefined ? undefined : answers.get(key)
      if (!isSignedIn(request)) return { workMs: 1, finish: () => problem(401, 'about:blank') }
      if (stored) return { workMs: 1, finish: () => stored }
      if (key !== undefined && running.has(key)) return { workMs: 1, finish: () => problem(409, IN_PROGRESS) }
      if (key !== undefined) running.add(key)
      const times = begun.get(nameOf(request)) ?? 0
      begun.set(nameOf(request), times + 1)
      const finish = () => {
        running.delete(key ?? '')
        return (key === undefined ? undefined : answers.get(key)) ?? process(request)
      }
      return { workMs: workMs(route, times, random), finish }
    },
  }
}

const IN_PROGRESS = 'urn:problem-type:holdfast:idempotency-key-in-progress'

function nameOf({ key, number }: ServerRequest): string {
  return key ?? `write ${number} without a key`
}

function workMs(route: Route, before: number, random: Random): number {
  if (route === 'slow') return random.between(2_000, 50_000)
  // Longer than any attempt lasts, the first time.
  return route === 'stuck' && before === 0 ? random.between(100_000, 200_000) : random.between(1, 30)
}

function refusalOf(route: Route, before: number): ServerAnswer | undefined {
  if (route === 'poison' || route === 'toxic') return problem(422, 'urn:example:poison')
  if (route === 'conflict') return problem(409, 'urn:example:edited-meanwhile')
  if (route === 'busy' && before < BUSY_TIMES) return problem(503, 'about:blank')
  if (before > 0) return undefined
  if (route === 'limited') return problem(429, 'about:blank', { 'retry-after': '7' })
  if (route === 'resting') return problem(503, 'about:blank', { 'retry-after': '12' })
  return route === 'signed-out' ? problem(401, 'about:blank') : undefined
}

function json(status: number, value: unknown): ServerAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
}

export function problem(status: number, type: string, headers: Record<string, string> = {}): ServerAnswer {
  const body = JSON.stringify({ type, status, title: `Problem ${status}` })
  return { status, headers: { ...headers, 'content-type': 'application/problem+json' }, body }
}
