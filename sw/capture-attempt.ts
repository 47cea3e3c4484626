import type { Handlers } from '../src/outbox/handlers.ts'
import { judge } from '../src/outbox/judge.ts'
import type { Platform } from '../src/outbox/platform.ts'
import { keyField, unanswered } from '../src/outbox/send.ts'
import type { SendOutcome } from '../src/protocol/settlement.ts'
import type { CaptureContext } from './capture-lookup.ts'
import type { ReadWrite, WriteKey } from './capture-write.ts'

/** How the first attempt ended: by an answer for the app, or by a failure after which another attempt makes sense. */
export type Attempt = { kind: 'answered'; response: Response } | FailedAttempt

export interface FailedAttempt {
  kind: 'failed'
  outcome: Extract<SendOutcome, { kind: 'retry' }>
  /** What the app would have got. */
  response: Response
  startedAt: number
}

export interface AttemptPorts extends Pick<Platform, 'fetch' | 'isOnline' | 'timeout'> {
  context: CaptureContext
  handlers?: Handlers
  /** Until the answer begins. */
  timeoutMs: number
}

/**
 * Sends a write of the app, with the key that all later attempts would have, and judges the answer as the outbox does.
 * Never rejects.
 */
export async function attempt(
  request: Request,
  write: ReadWrite,
  key: WriteKey,
  ports: AttemptPorts,
): Promise<Attempt> {
  const { now, settings } = ports.context
  const startedAt = now()
  const wasOnline = ports.isOnline()
  const patience = createPatience(ports)
  const signal = AbortSignal.any([request.signal, patience.signal])
  try {
    const response = await ports.fetch(toSend(request, write, key, ports.context), { signal })
    // As fetch would: no failure of the network, but an answer that the app does not want.
    if (response.type === 'opaqueredirect' && request.redirect === 'error') {
      return { kind: 'answered', response: Response.error() }
    }
    // It has begun: how long the rest of it takes is between the app and its server.
    if (response.status < 400) return { kind: 'answered', response }
    const outcome = await judge(response.clone(), {
      url: write.url.href,
      now: now(),
      judgeOwn: settings.judge === undefined ? undefined : ports.handlers?.judges?.[settings.judge],
      judgeOptions: { forbidden: settings.forbidden },
    })
    return outcome.kind === 'retry' ? { kind: 'failed', outcome, response, startedAt } : { kind: 'answered', response }
  } catch (error) {
    const outcome = unanswered(error, wasOnline)
    const response = Response.error()
    // The app itself took it back.
    if (request.signal.aborted || outcome.kind !== 'retry') return { kind: 'answered', response }
    return { kind: 'failed', outcome, response, startedAt }
  } finally {
    patience.end()
  }
}

/** Ends with the attempt: what is still to come of an answer must not be cut off. */
function createPatience({ timeout, timeoutMs }: Pick<AttemptPorts, 'timeout' | 'timeoutMs'>) {
  const [limit, giveUp, end] = [timeout(timeoutMs), new AbortController(), new AbortController()]
  limit.addEventListener('abort', () => giveUp.abort(limit.reason), { signal: end.signal })
  return { signal: giveUp.signal, end: () => end.abort() }
}

/** The same request with its key; and from the bytes that were read, so that every attempt sends the same. */
function toSend(request: Request, { url, headers, bytes }: ReadWrite, key: WriteKey, context: CaptureContext): Request {
  const all = new Headers(headers)
  for (const [name, value] of keyField(key, url.href, { key: context.settings.key, origin: context.origin })) {
    all.set(name, value)
  }
  const { referrer, referrerPolicy } = request
  return new Request(request, {
    headers: all,
    body: bytes.byteLength > 0 ? bytes : undefined,
    ...(request.redirect === 'error' && { redirect: 'manual' }),
    // With these a request begins anew where it is changed (Fetch, 5.4), and to one without CORS no header can be added.
    ...(referrer && { referrer, referrerPolicy }),
    ...(request.mode === 'no-cors' && { mode: 'same-origin' }),
  })
}
