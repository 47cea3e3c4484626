/** What a route of the server does with a write. */
export type Route = 'ok' | 'poison' | 'conflict' | 'busy' | 'limited' | 'slow' | 'signed-out'

export interface ServerRequest {
  /** The mutation's id, as the key says it. */
  key: string
  /** Which write it is, by its body: the key may not tell. */
  write: number
  entity: string | undefined
  route: Route
  /** Everything of the request that must be the same at each attempt. */
  fingerprint: string
}

export interface ServerAnswer {
  status: number
  headers: Record<string, string>
  body: string
}

export interface Effect {
  key: string
  write: number
  entity: string | undefined
}

export interface ServerModel {
  /** Begins to process a request; the answer is given when `finish` is called, `workMs` later. */
  receive(request: ServerRequest): { workMs: number; finish: () => ServerAnswer }
  /** What happened, in order. */
  effects: readonly Effect[]
  hasEffect(write: number): boolean
  /** Whether a request of that write ever arrived. */
  knows(write: number): boolean
}

export interface ServerModelOptions {
  workMs: (route: Route) => number
  report: (check: string, text: string) => void
}

/** Says 503 this many times to each key of the route `busy`; 429 once on `limited`, and 401 once on `signed-out`. */
const BUSY_TIMES = 2

/** A server that honours keys, as draft-ietf-httpapi-idempotency-key-header-07 describes it, and keeps a ledger. */
export function createServerModel({ workMs, report }: ServerModelOptions): ServerModel {
  const answers = new Map<string, ServerAnswer>()
  const running = new Set<string>()
  const fingerprints = new Map<string, string>()
  const refusals = new Map<string, number>()
  const writes = new Set<number>()
  const effects: Effect[] = []

  const process = ({ key, write, entity, route }: ServerRequest): ServerAnswer => {
    const before = refusals.get(key) ?? 0
    refusals.set(key, before + 1)
    if (route === 'poison') return problem(422, 'urn:example:poison')
    if (route === 'conflict') return problem(409, 'urn:example:edited-meanwhile')
    if (route === 'busy' && before < BUSY_TIMES) return problem(503, 'about:blank')
    if (route === 'limited' && before === 0) return problem(429, 'about:blank', { 'retry-after': '7' })
    if (route === 'signed-out' && before === 0) return problem(401, 'about:blank')
    if (effects.some(effect => effect.write === write)) {
      report('one effect', `Write ${write} took effect a second time, under the key ${key}.`)
    }
    effects.push({ key, write, entity })
    const answer = json(201, { write })
    answers.set(key, answer)
    return answer
  }

  return {
    effects,
    hasEffect: write => effects.some(effect => effect.write === write),
    knows: write => writes.has(write),
    receive(request) {
      const { key, write, fingerprint, route } = request
      writes.add(write)
      const known = fingerprints.get(key) ?? fingerprint
      fingerprints.set(key, known)
      if (known !== fingerprint) report('same request', `The attempts of ${key} differ:\n${known}\n${fingerprint}`)
      const stored = answers.get(key)
      if (stored) return { workMs: 1, finish: () => stored }
      if (running.has(key)) {
        return { workMs: 1, finish: () => problem(409, 'urn:problem-type:holdfast:idempotency-key-in-progress') }
      }
      running.add(key)
      const finish = () => {
        running.delete(key)
        return answers.get(key) ?? process(request)
      }
      return { workMs: workMs(route), finish }
    },
  }
}

function json(status: number, value: unknown): ServerAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
}

function problem(status: number, type: string, headers: Record<string, string> = {}): ServerAnswer {
  const body = JSON.stringify({ type, status, title: `Problem ${status}` })
  return { status, headers: { ...headers, 'content-type': 'application/problem+json' }, body }
}
