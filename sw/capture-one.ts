import type { Appended } from '../src/outbox/append.ts'
import type { Handlers } from '../src/outbox/handlers.ts'
import type { PreparedMutation } from '../src/outbox/mutation-input.ts'
import type { Platform } from '../src/outbox/platform.ts'
import type { CaptureRule } from '../src/protocol/capture.ts'
import type { Storage } from '../src/storage/open-storage.ts'
import { pageFor, receiptFor } from './capture-answer.ts'
import { attempt, type FailedAttempt } from './capture-attempt.ts'
import { type CaptureContext, findKnown, isWaitedFor, type Known, readContext } from './capture-lookup.ts'
import { store } from './capture-store.ts'
import type { Turn } from './capture-turns.ts'
import { isSigned, keyOf, type ReadWrite, readWrite, termsOf, type WriteKey, type WriteTerms } from './capture-write.ts'

export interface OnePorts {
  rule: CaptureRule
  turn: Turn
  open: () => Promise<{ storage: Storage; append: (item: PreparedMutation) => Promise<Appended> }>
  handlers?: Handlers
  platform: Platform
  /** The worker's. */
  scope: string
  /** Called when it is stored, while the event still lasts. */
  onStored: (ids: string[], ended: string[]) => void
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
interface Begun {
  write: ReadWrite
  key: WriteKey
  terms: WriteTerms
  context: CaptureContext
  storage: Storage
  append: (item: PreparedMutation) => Promise<Appended>
  known: Known | undefined
  /** Whether others of its entity wait. */
  isBehind: boolean
}

/** Nothing where the write is to be left alone. The request itself is as it was. */
async function begin(request: Request, ports: OnePorts): Promise<Begun | undefined> {
  const { rule, turn, open, handlers, platform, warn } = ports
  const write = await readWrite(request)
  const terms = termsOf(rule, write, { handlers, origin: platform.origin })
  if (terms === false) return undefined
  turn.setEntity(terms.entity)
  const { storage, append } = await open()
  const { now, origin } = platform
  const context = { ...(await readContext(storage)), now, origin }
  if (isSigned(write) && context.settings.auth === undefined) {
    warn(UNSIGNED)
    return undefined
  }
  const key = await keyOf(write, context)
  if (!key) return undefined
  await turn.afterFailed()
  const known = key.keyGiven ? await findKnown(storage, key.id) : undefined
  const isBehind = await isWaitedFor(storage, terms.entity, context)
  // It had another end: what the app does now is between it and the server.
  return known === 'ended' ? undefined : { write, key, terms, context, storage, append, known, isBehind }
}

const UNSIGNED =
  'Holdfast keeps no write that has an Authorization header: it is not stored, and nothing says who would send it later. Give createHoldfast() an auth provider.'

async function carryOut(request: Request, begun: Begun, ports: OnePorts): Promise<Response> {
  const { rule, turn, platform, handlers, scope, warn } = ports
  const { write, key, context, known, isBehind } = begun
  const answer = (id: string, state: 'waiting' | 'settled') => {
    if (rule.otherwise === 'fail') return Response.error()
    return request.mode === 'navigate' ? pageFor(id, rule, request, scope) : receiptFor(id, state, scope)
  }
  if (known) return answer(key.id, known === 'waiting' ? 'waiting' : 'settled')

  let failed: FailedAttempt | undefined
  if (!isBehind) {
    const { timeoutMs = ATTEMPT_TIMEOUT_MS } = rule
    const sent = await attempt(request, write, key, { ...platform, context, handlers, timeoutMs })
    if (sent.kind === 'answered') return sent.response
    failed = sent
  }
  turn.willBeStored()
  await turn.afterEarlier()
  try {
    const id = await keep(begun, failed, ports)
    return rule.otherwise === 'fail' && failed ? failed.response : answer(id, 'waiting')
  } catch (error) {
    warn(`Holdfast could not keep a write: ${error instanceof Error ? error.message : String(error)}`)
    // Not even where it was not sent: it would overtake what waits.
    return failed?.response ?? Response.error()
  }
}

/** As for any attempt of the outbox. */
const ATTEMPT_TIMEOUT_MS = 120_000

/** Gives the id under which it waits. */
async function keep(begun: Begun, failed: FailedAttempt | undefined, { platform, onStored }: OnePorts) {
  const { key, storage } = begun
  // The app may have sent it twice at once.
  if (key.keyGiven && (await findKnown(storage, key.id)) === 'waiting') return key.id
  const { id, ended } = await store({ ...begun, failed }, { ...begun, random: platform.random })
  onStored([id], ended)
  return id
}
