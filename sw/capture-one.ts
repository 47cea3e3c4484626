import type { Handlers } from '../src/outbox/handlers.ts'
import type { HoldRecord } from '../src/outbox/pause.ts'
import type { Platform } from '../src/outbox/platform.ts'
import type { CaptureRule } from '../src/protocol/capture.ts'
import type { Storage } from '../src/storage/open-storage.ts'
import { pageFor, receiptFor } from './capture-answer.ts'
import { attempt, type FailedAttempt } from './capture-attempt.ts'
import type { createInHand, InHand } from './capture-in-hand.ts'
import { type CaptureContext, findKnown, isWaitedFor, type Known, readContext } from './capture-lookup.ts'
import { orUnless } from './capture-patience.ts'
import { store } from './capture-store.ts'
import type { Turn } from './capture-turns.ts'
import {
  entityByRule,
  givenKey,
  isSigned,
  type Keyed,
  keyFor,
  markOf,
  newId,
  type ReadWrite,
  readWrite,
  termsOf,
} from './capture-write.ts'

export interface OnePorts {
  rule: CaptureRule
  turn: Turn
  open: () => Promise<Storage>
  handlers?: Handlers
  platform: Platform
  /** Of the page that asks. */
  clientId: string
  takeInHand: ReturnType<typeof createInHand>
  /** Called with what is to be let go when the app has its answer. */
  onInHand: (inHand: InHand) => void
  /** The worker's. */
  scope: string
  /** Called when it is stored, while the event still lasts. */
  onStored: (ids: string[], ended: string[]) => void
  /** Called when the app's server has taken a write while what waits was held, because it had asked who this is. */
  onAccepted: (held: HoldRecord) => void
  warn: (text: string) => void
}

/**
 * Answers one write of the app: what the server says, or that the write is kept. Whatever goes wrong with the keeping, the
 * app gets what it would have got without.
 */
export async function answerWrite(request: Request, ports: OnePorts): Promise<Response> {
  try {
    const begun = await begin(request, ports).catch(notBegun)
    return begun ? await carryOut(request, begun, ports) : await ports.platform.fetch(request)
  } finally {
    ports.turn.end()
  }
}

/** Its body cannot be read, the app's function has failed, or the database cannot be used. */
function notBegun(error: unknown): undefined {
  globalThis.reportError?.(error)
}

/** What is known of a write before it is sent. */
interface Begun extends Keyed {
  write: ReadWrite
  terms: Exclude<ReturnType<typeof termsOf>, false>
  context: CaptureContext
  storage: Storage
  known: Known | undefined
  /** Whether others of its entity wait. */
  isBehind: boolean
}

/** Nothing where the write is to be left alone. The request itself is as it was. */
async function begin(request: Request, ports: OnePorts): Promise<Begun | undefined> {
  const { rule, turn, open, handlers, platform, warn } = ports
  const { now, origin } = platform
  const entity = entityByRule(rule, request, origin)
  // A body may take its time: others need not wait to learn that this one is none of theirs.
  if (entity !== undefined) turn.setEntity(entity)
  const write = await readWrite(request)
  const terms = termsOf(rule, write, { handlers, origin })
  if (terms === false) return undefined
  turn.setEntity(terms.entity)
  // A database that another tab blocks says nothing for as long as it likes; the app would wait for ever.
  const inTime = <T>(work: Promise<T>) => orUnless(work, platform.timeout(DATABASE_PATIENCE_MS))
  const storage = await inTime(open())
  const context = { ...(await inTime(readContext(storage))), now, origin }
  if (isSigned(write) && context.settings.auth === undefined) {
    warn(UNSIGNED)
    return undefined
  }
  const given = write.headers.get(context.settings.key.header)
  const inHand = given === null ? await inTime(take(request, write, storage, ports)) : undefined
  const keyed = given === null ? keyOf(inHand, write, ports, context) : await givenKey(write, given, context)
  if (!keyed) return undefined
  await turn.afterFailed()
  const known = keyed.sameAs.length > 0 ? await inTime(findKnown(storage, keyed.sameAs)) : undefined
  const isBehind = await inTime(isWaitedFor(storage, terms.entity, context))
  return { ...keyed, write, terms, context, storage, known, isBehind }
}

/** Where that cannot be noted, as on a full device, it goes on all the same. A page that is left comes back to no worker. */
async function take(
  { mode }: Request,
  write: ReadWrite,
  storage: Storage,
  { takeInHand, onInHand, clientId, platform }: OnePorts,
): Promise<InHand | undefined> {
  if (mode === 'navigate') return undefined
  const [mark, now] = [await markOf(write, clientId), platform.now()]
  const inHand = await takeInHand(mark, { storage, now, newId: () => newId(now) }).catch(() => undefined)
  if (inHand) onInHand(inHand)
  return inHand
}

function keyOf(
  inHand: InHand | undefined,
  write: ReadWrite,
  { rule, platform }: OnePorts,
  context: CaptureContext,
): Keyed {
  const key = keyFor(inHand?.id ?? newId(platform.now()), write, rule, context)
  return { key, sameAs: inHand?.isAgain ? [key.id] : [] }
}

const DATABASE_PATIENCE_MS = 10_000

const UNSIGNED =
  'Holdfast keeps no write with an Authorization header, which is never stored. Give createHoldfast() an auth provider.'

async function carryOut(request: Request, begun: Begun, ports: OnePorts): Promise<Response> {
  const { rule, turn, warn } = ports
  if (begun.known) return answerKnown(begun.known, request, begun, ports)
  let failed: FailedAttempt | undefined
  if (!begun.isBehind) {
    const sent = await sendFirst(request, begun, ports)
    if (sent.kind === 'answered') return sent.response
    failed = sent
  }
  turn.willBeStored()
  await turn.afterEarlier()
  try {
    const known = await keep(begun, failed, request, ports)
    return rule.otherwise === 'fail' && failed ? failed.response : answerKnown(known, request, begun, ports)
  } catch (error) {
    if (!request.signal.aborted) warn(`Holdfast could not keep a write: ${messageOf(error)}`)
    // Not even where it was not sent: it would overtake what waits.
    return failed?.response ?? Response.error()
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The answer to a write that is on record. */
function answerKnown(
  { id, state }: Known,
  request: Request,
  { isBehind }: Begun,
  { rule, platform, scope }: OnePorts,
): Response | Promise<Response> {
  // It had another end: what the app does now is between it and the server, unless it would overtake what waits.
  if (state === 'ended') return isBehind ? Response.error() : platform.fetch(request)
  // Who was told of a failure hears of the success: asking on would help nobody.
  if (rule.otherwise === 'fail' && state === 'waiting') return Response.error()
  if (request.mode === 'navigate') return pageFor(id, rule, request, scope)
  return receiptFor(id, state === 'waiting' ? state : 'settled', scope)
}

async function sendFirst(request: Request, { write, key, context }: Begun, ports: OnePorts) {
  const { rule, platform, handlers, onAccepted } = ports
  const { timeoutMs = ATTEMPT_TIMEOUT_MS } = rule
  const sent = await attempt(request, write, key, { ...platform, context, handlers, timeoutMs })
  const { held, settings, origin } = context
  const isAccepted = sent.kind === 'answered' && sent.response.ok && !sent.response.redirected
  // With a provider of its own the app says itself when somebody has signed in.
  if (isAccepted && held && settings.auth === undefined && write.url.origin === origin) onAccepted(held)
  return sent
}

/** As for any attempt of the outbox. */
const ATTEMPT_TIMEOUT_MS = 120_000

/** Says under which id it waits. */
async function keep(begun: Begun, failed: FailedAttempt | undefined, request: Request, ports: OnePorts) {
  const { rule, platform, onStored } = ports
  const signal = AbortSignal.any([request.signal, platform.timeout(DATABASE_PATIENCE_MS)])
  const { id, state, ended } = await store({ ...begun, rule, failed }, { ...begun, random: platform.random, signal })
  onStored([id], ended)
  return { id, state: ended.includes(id) ? ('confirmed' as const) : state }
}
