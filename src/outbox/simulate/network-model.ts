import type { Context } from './context.ts'
import { type PortCall, portCall } from './port-call.ts'
import type { Random } from './random.ts'
import { type NumberOf, type Parcel, readParcel } from './read-request.ts'
import type { Scheduler } from './scheduler.ts'
import type { ServerAnswer, Work } from './server-model.ts'

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
  /** A batch is answered 413, and nothing of it is done. */
  | 'too-large'
  /** It is answered 404. */
  | 'no-batches'
  /** It is processed, and answered 500. */
  | 'batch-fails'

export interface NetworkModel {
  fetchFor(context: Context): typeof fetch
  /** What `navigator.onLine` says. */
  isOnline(): boolean
}

export interface NetworkModelOptions {
  scheduler: Scheduler
  random: Random
  /** The server begins to work at it. */
  receive: (parcel: Parcel) => Work
  numberOf: NumberOf
  /** Asked once for each request. */
  faultOf: () => NetworkFault | undefined
  /** `offline`: the device knows it. `dead`: connected, but nothing comes through. */
  stateAt: (now: number) => 'up' | 'offline' | 'dead'
  /** Whether that origin gives no answer now. */
  hangs: (origin: string) => boolean
  onRequest: (context: Context, parcel: Parcel) => void
  /** It has its answer, or was given up. */
  onEnd: (context: Context, parcel: Parcel) => void
  /** The head of an answer has arrived; nothing where nothing has left the device. */
  onAnswer: (context: Context, parcel: Parcel, given: ServerAnswer | undefined) => void
}

const LONG_MS = 60_000

export function createNetworkModel(options: NetworkModelOptions): NetworkModel {
  const { scheduler, stateAt } = options
  return {
    isOnline: () => stateAt(scheduler.now()) !== 'offline',
    fetchFor: context => (url, init) => exchange(options, context, String(url), init ?? {}),
  }
}

interface Exchange {
  context: Context
  parcel: Parcel
  fault: NetworkFault | undefined
  signal: AbortSignal | null | undefined
  call: PortCall<Response>
}

/** One request of one context. The request itself goes on, whatever becomes of who sent it. */
function exchange(
  options: NetworkModelOptions,
  context: Context,
  url: string,
  { signal, ...init }: RequestInit,
): Promise<Response> {
  const parcel = readParcel(url, init, options.numberOf)
  const fault = options.faultOf()
  options.onRequest(context, parcel)
  const onEnd = () => options.onEnd(context, parcel)
  return portCall<Response>({ context, signal, onEnd }, call => send(options, { context, parcel, fault, signal, call }))
}

function send(options: NetworkModelOptions, exchange: Exchange): void {
  const { scheduler, random, stateAt } = options
  const { fault, context, parcel } = exchange
  const state = stateAt(scheduler.now())
  if (state === 'offline') options.onAnswer(context, parcel, undefined)
  if (state === 'offline' || fault === 'drop-request') fail(options, exchange, 'does not reach the server')
  else if (parcel.isBatch && (fault === 'too-large' || fault === 'no-batches'))
    answer(options, exchange, { status: fault === 'too-large' ? 413 : 404, headers: {}, body: '' })
  else if (fault === 'gateway-503') answer(options, exchange, { status: 503, headers: {}, body: '' })
  else if (fault === 'gateway-429')
    answer(options, exchange, { status: 429, headers: { 'retry-after': '20' }, body: '' })
  else if (state === 'up' && !options.hangs(parcel.origin)) {
    if (fault === 'duplicate') arrive(options, exchange, random.between(1, LONG_MS), () => undefined)
    const delayMs = fault === 'delay' ? random.between(LONG_MS / 3, LONG_MS) : latency(options)
    arrive(options, exchange, delayMs, given => answerAfter(options, exchange, given))
  }
}

function answerAfter(options: NetworkModelOptions, exchange: Exchange, given: ServerAnswer): void {
  const { fault, parcel } = exchange
  if (fault === 'drop-answer') fail(options, exchange, 'loses its answer')
  else if (fault === 'gateway-504-after') answer(options, exchange, { status: 504, headers: {}, body: '' })
  else if (fault === 'batch-fails' && parcel.isBatch) answer(options, exchange, { status: 500, headers: {}, body: '' })
  else if (fault !== 'silence') answer(options, exchange, given)
}

function latency({ random }: NetworkModelOptions): number {
  return random.between(1, 40)
}

function arrive(
  { scheduler, receive }: NetworkModelOptions,
  { parcel }: Exchange,
  delayMs: number,
  then: (given: ServerAnswer) => void,
): void {
  const run = () => {
    const { workMs, finish } = receive(parcel)
    scheduler.schedule({ delayMs: workMs, label: `${parcel.label} processed`, run: () => then(finish()) })
  }
  scheduler.schedule({ delayMs, label: `${parcel.label} arrives`, run })
}

function fail(options: NetworkModelOptions, { context, parcel, call }: Exchange, what: string): void {
  const run = () => call.reject(new TypeError('Failed to fetch'))
  options.scheduler.schedule({ context, delayMs: latency(options), label: `${parcel.label} ${what}`, run })
}

function answer(options: NetworkModelOptions, exchange: Exchange, given: ServerAnswer): void {
  const { scheduler, stateAt, onAnswer } = options
  const { context, parcel, call } = exchange
  const run = () => {
    if (!call.isOpen()) return
    if (stateAt(scheduler.now()) === 'offline') {
      call.reject(new TypeError('Failed to fetch'))
      return
    }
    onAnswer(context, parcel, given)
    call.resolve(responseOf(options, exchange, given))
  }
  scheduler.schedule({ context, delayMs: latency(options), label: `${parcel.label} answer ${given.status}`, run })
}

/** The body is a yield point of its own; the platform's would come in its own time. */
function responseOf(
  options: NetworkModelOptions,
  exchange: Exchange,
  { status, headers, body }: ServerAnswer,
): Response {
  const { scheduler, random } = options
  const { context, parcel, fault, signal } = exchange
  const text = () =>
    portCall<string>({ context, signal }, call => {
      const run = () => {
        if (fault === 'truncate') call.reject(new TypeError('terminated'))
        else call.resolve(body)
      }
      scheduler.schedule({ context, delayMs: random.between(0, 5), label: `${parcel.label} body of ${status}`, run })
    })
  const value = body === '' ? null : streamOf(text)
  return Object.defineProperties(new Response(null, { status, headers }), { text: { value: text }, body: { value } })
}

function streamOf(text: () => Promise<string>): ReadableStream<Uint8Array> {
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    controller.enqueue(new TextEncoder().encode(await text()))
    controller.close()
  }
  return new ReadableStream({ pull }, { highWaterMark: 0 })
}
