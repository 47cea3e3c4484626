import type { Context } from './context.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'
import type { Route, ServerAnswer, ServerModel, ServerRequest } from './server-model.ts'

/** What the network does with one request. */
export type NetworkFault =
  /** It never arrives. */
  | 'drop-request'
  /** It is processed, and the connection breaks before the answer. */
  | 'drop-answer'
  /** It is processed, and no answer ever comes. */
  | 'silence'
  /** It arrives twice, the second time much later. */
  | 'duplicate'
  /** It arrives a minute late. */
  | 'delay'
  /** The body of the answer breaks off. */
  | 'truncate'
  /** A gateway answers 503 and passes nothing on. */
  | 'gateway-503'
  /** A gateway answers 429 with Retry-After. */
  | 'gateway-429'
  /** It is processed, and the gateway answers 504. */
  | 'gateway-504-after'

export interface NetworkModel {
  fetchFor(context: Context): typeof fetch
  /** What `navigator.onLine` says. */
  isOnline(): boolean
}

export interface NetworkModelOptions {
  scheduler: Scheduler
  random: Random
  server: ServerModel
  /** Asked once for each request. */
  faultOf: () => NetworkFault | undefined
  /** `offline`: the device knows it. `dead`: connected, but nothing comes through. */
  stateAt: (now: number) => 'up' | 'offline' | 'dead'
  onRequest: (context: Context, key: string) => void
  /** An answer has arrived that may count as an attempt. */
  onAnswer: (key: string) => void
}

const LONG_MS = 60_000

export function createNetworkModel(options: NetworkModelOptions): NetworkModel {
  const { scheduler, stateAt } = options
  return {
    isOnline: () => stateAt(scheduler.now()) !== 'offline',
    fetchFor: context => (url, init) => exchange(options, context, String(url), init ?? {}),
  }
}

/** One request of one context. The request itself goes on, whatever becomes of who sent it. */
function exchange(
  options: NetworkModelOptions,
  context: Context,
  url: string,
  { signal, ...init }: RequestInit,
): Promise<Response> {
  const { scheduler, random, stateAt, faultOf, onRequest, server } = options
  const request = readRequest(url, init)
  const fault = faultOf()
  onRequest(context, request.key)
  return new Promise<Response>((resolve, reject) => {
    const end = () => {
      signal?.removeEventListener('abort', onAbort)
      context.cleanups.delete(end)
    }
    const onAbort = () => {
      end()
      reject(signal?.reason)
    }
    const fail = (label: string, delayMs: number) => {
      const run = () => {
        end()
        reject(new TypeError('Failed to fetch'))
      }
      scheduler.schedule({ context, delayMs, label: `${request.key} ${label}`, run })
    }
    const answer = (given: ServerAnswer) => {
      const run = () => {
        if (stateAt(scheduler.now()) === 'offline') reject(new TypeError('Failed to fetch'))
        else {
          // A hold costs nothing; but of an answer that breaks off nobody knows what it was.
          if (given.status !== 401) options.onAnswer(request.key)
          resolve(responseOf(given, options, context, request.key, fault, signal ?? undefined))
        }
        end()
      }
      scheduler.schedule({ context, delayMs: latency(), label: `${request.key} answer ${given.status}`, run })
    }
    const latency = () => random.between(1, 40)
    if (signal?.aborted) return reject(signal.reason)
    signal?.addEventListener('abort', onAbort)
    context.cleanups.add(end)

    const state = stateAt(scheduler.now())
    if (state === 'offline' || fault === 'drop-request') return fail('does not reach the server', latency())
    if (state === 'dead') return
    if (fault === 'gateway-503') return answer({ status: 503, headers: {}, body: '' })
    if (fault === 'gateway-429') return answer({ status: 429, headers: { 'retry-after': '20' }, body: '' })

    const arrive = (delayMs: number, then: (given: ServerAnswer) => void) => {
      const run = () => {
        const { workMs, finish } = server.receive(request)
        scheduler.schedule({ delayMs: workMs, label: `${request.key} processed`, run: () => then(finish()) })
      }
      scheduler.schedule({ delayMs, label: `${request.key} arrives`, run })
    }
    if (fault === 'duplicate') arrive(random.between(1, LONG_MS), () => undefined)
    arrive(fault === 'delay' ? random.between(LONG_MS / 3, LONG_MS) : latency(), given => {
      if (fault === 'silence') return
      if (fault === 'drop-answer') return fail('loses its answer', latency())
      answer(fault === 'gateway-504-after' ? { status: 504, headers: {}, body: '' } : given)
    })
  })
}

function responseOf(
  { status, headers, body }: ServerAnswer,
  { scheduler, random, onAnswer }: NetworkModelOptions,
  context: Context,
  key: string,
  fault: NetworkFault | undefined,
  signal: AbortSignal | undefined,
): Response {
  const response = new Response(null, { status, headers })
  const text = () =>
    new Promise<string>((resolve, reject) => {
      const breakOff = (reason: unknown) => {
        if (status === 401) onAnswer(key)
        reject(reason)
      }
      const end = () => {
        signal?.removeEventListener('abort', onAbort)
        context.cleanups.delete(end)
      }
      const onAbort = () => {
        end()
        breakOff(signal?.reason)
      }
      const run = () => {
        if (!context.cleanups.has(end)) return
        end()
        if (fault === 'truncate') return breakOff(new TypeError('terminated'))
        resolve(body)
      }
      if (signal?.aborted) return breakOff(signal.reason)
      signal?.addEventListener('abort', onAbort)
      context.cleanups.add(end)
      scheduler.schedule({ context, delayMs: random.between(0, 5), label: `${key} body of ${status}`, run })
    })
  // The body is a yield point of its own; the platform's would come in its own time.
  const stream = () =>
    new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          controller.enqueue(new TextEncoder().encode(await text()))
          controller.close()
        },
      },
      { highWaterMark: 0 },
    )
  return Object.defineProperties(response, { text: { value: text }, body: { value: body === '' ? null : stream() } })
}

function readRequest(url: string, { method = 'GET', headers, body }: RequestInit): ServerRequest {
  const sent = new Headers(headers)
  const key = (sent.get('idempotency-key') ?? '').replaceAll('"', '')
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body as ArrayBuffer | undefined)
  const { write, entity } = JSON.parse(text) as { write: number; entity?: string }
  const route = new URL(url).pathname.slice(1) as Route
  // Long bodies are told apart by their length and their beginning, which says which write it is.
  const fingerprint = [method, url, sent.get('content-type'), text.length, text.slice(0, 60)].join(' ')
  return { key, write, entity, route, fingerprint }
}
