import type { DrainResult } from '../protocol/messages.ts'
import type { Mutation } from '../protocol/mutation.ts'
import { originOf } from '../protocol/queue-key.ts'
import type { SendOutcome } from '../protocol/settlement.ts'
import type { Storage } from '../storage/open-storage.ts'
import type { Channel } from '../tabs/channel.ts'
import type { Claimed } from './claim.ts'
import { forgetOldAnswers } from './forget-answers.ts'
import { recover } from './recover.ts'
import { send } from './send.ts'
import type { Settled } from './settle.ts'
import { type Ended, takeTurn } from './turn.ts'

/** What the drain takes from the context it runs in. */
export interface DrainPorts {
  storage: Storage
  channel: Channel
  fetch: typeof fetch
  now: () => number
  random: () => number
  isOnline: () => boolean
  timeout: (delayMs: number) => AbortSignal
  /** Who this context is, in the leases. */
  holder: string
  /** Aborted when this context must stop sending. */
  signal?: AbortSignal
}

export interface DrainOptions {
  /** No attempt begins after this time, and one under way is ended then. Milliseconds since the epoch. */
  deadline: number
  /** What failed before this time for want of a network is due at once; 0 where nothing says that it is back. */
  eagerBefore: number
  /** Whether the caller holds the drain lock. */
  exclusive: boolean
}

/** An attempt longer than this is given up, and made again under the same key; the event that carries it may end sooner. */
const ATTEMPT_TIMEOUT_MS = 120_000

/** With less time than this left, no attempt begins: it would only be cut off. */
const LEAST_TIME_MS = 1_000

/** Attempts at once: as many connections as browsers open to one origin over HTTP/1.1. */
const CONCURRENCY = 6

/**
 * Sends what is due until nothing is, several at a time, and never two of one entity. After each step the stored state is
 * safe: this may be killed at any await, and the next run goes on from there.
 */
export async function drain(ports: DrainPorts, options: DrainOptions): Promise<DrainResult> {
  const unreachable = await recover(ports.storage, { ...options, now: ports.now() })
  const run = createRun(ports, options, unreachable)
  try {
    for (;;) {
      dispatch(run)
      if (wantsTurn(run)) await turn(run)
      else if (run.inFlight > 0) await run.nextEnd()
      else break
    }
  } catch (error) {
    // Whoever holds the lock next takes over every lease: nothing of ours may be on its way then.
    run.giveUp.abort()
    while (run.inFlight > 0) await run.nextEnd()
    throw error
  }
  return finish(run)
}

interface Run extends DrainPorts, DrainOptions {
  /** Under our lease, and not sent yet. */
  claimed: Claimed[]
  inFlight: number
  /** Attempts whose end is not on record yet. */
  ended: Ended[]
  /** Resolves at the next end of an attempt. */
  nextEnd: () => Promise<void>
  hasEnded: () => void
  /** Whether the last claim found less than it asked for, and nothing has changed since. */
  isDry: boolean
  /** Whether nothing more can be sent: the device is offline, or a person has to act first. */
  isStopped: boolean
  /** Origins that do not answer. */
  unreachable: Set<string>
  /** Whether any server answered in this run: until then one request at a time asks whether there is a network. */
  isAnswered: boolean
  /** Ends what is on its way, when this run cannot go on. */
  giveUp: AbortController
  turns: number
  synced: number
  failed: number
  nextDueAt: number | undefined
}

function createRun(ports: DrainPorts, options: DrainOptions, unreachable: Set<string>): Run {
  let resolve = () => {}
  let next = new Promise<void>(done => {
    resolve = done
  })
  return {
    ...ports,
    ...options,
    claimed: [],
    inFlight: 0,
    ended: [],
    nextEnd: () => next,
    hasEnded() {
      resolve()
      next = new Promise(done => {
        resolve = done
      })
    },
    isDry: false,
    isStopped: false,
    unreachable,
    giveUp: new AbortController(),
    isAnswered: false,
    turns: 0,
    synced: 0,
    failed: 0,
    nextDueAt: undefined,
  }
}

function isOver({ now, deadline, signal, isStopped }: Run): boolean {
  return isStopped || now() + LEAST_TIME_MS > deadline || signal?.aborted === true
}

/** Sends what was claimed, as far as there is room. */
function dispatch(run: Run): void {
  const ids: string[] = []
  while (run.inFlight < connections(run) && !isOver(run)) {
    const next = takeReachable(run)
    if (!next) break
    ids.push(next.mutation.id)
    run.inFlight += 1
    void attempt(run, next)
  }
  if (ids.length > 0) run.channel.post('sending', { ids })
}

function takeReachable({ claimed, unreachable }: Run): Claimed | undefined {
  const index = claimed.findIndex(({ mutation }) => !unreachable.has(originOf(mutation)))
  return index < 0 ? undefined : claimed.splice(index, 1)[0]
}

function connections({ isAnswered }: Run): number {
  return isAnswered ? CONCURRENCY : 1
}

/** Never rejects: `send` does not, and what follows cannot. */
async function attempt(run: Run, { mutation, body }: Claimed): Promise<void> {
  const left = Math.max(0, Math.min(ATTEMPT_TIMEOUT_MS, run.deadline - run.now()))
  const signals = [run.timeout(left), run.giveUp.signal, ...(run.signal ? [run.signal] : [])]
  const ending = await send(mutation, body, { fetch: run.fetch, now: run.now, signal: AbortSignal.any(signals) })
  run.inFlight -= 1
  // At once, and not in the next turn: whatever is sent before that must know.
  notePath(run, mutation, ending)
  run.ended.push({ mutation, ending })
  run.hasEnded()
}

function wantsTurn(run: Run): boolean {
  if (run.ended.length > 0 || unsendable(run).length > 0) return true
  return !run.isDry && !isOver(run) && wanted(run) > 0
}

/** One for each free connection, and as many again, so that the next ones are at hand when an attempt ends. */
function wanted(run: Run): number {
  return 2 * connections(run) - run.inFlight - run.claimed.length
}

/** What was claimed and cannot be sent in this run any more. */
function unsendable(run: Run): Claimed[] {
  return isOver(run) ? run.claimed : run.claimed.filter(({ mutation }) => run.unreachable.has(originOf(mutation)))
}

async function turn(run: Run): Promise<void> {
  const ended = [...run.ended]
  const returned = unsendable(run)
  const limit = isOver(run) ? 0 : wanted(run)
  const options = { ended, returned: returned.map(({ mutation }) => mutation), claim: claimOptions(run, limit) }
  const { settled, claim } = await takeTurn(run.storage, options, run)
  // Only now: until the transaction is complete, nothing of it is done.
  run.ended.splice(0, ended.length)
  run.claimed = run.claimed.filter(one => !returned.includes(one))
  run.turns += claim.claimed.length
  run.claimed.push(...claim.claimed)
  for (const { mutation, reason } of claim.unsendable) {
    run.ended.push({ mutation, ending: { kind: 'unsendable', reason } })
  }
  run.isDry = claim.claimed.length + claim.unsendable.length < limit
  run.nextDueAt = claim.nextDueAt
  note(run, ended, settled)
}

function claimOptions(run: Run, limit: number) {
  const { holder, unreachable } = run
  const leaseMs = ATTEMPT_TIMEOUT_MS + 5_000
  const slots = (origin: string) => (unreachable.has(origin) ? 0 : limit)
  return { holder, leaseMs, limit, slots, turn: run.turns, now: run.now() }
}

/** After a network failure: nothing more if the device is offline, else the other origins. */
function notePath(run: Run, mutation: Mutation, outcome: SendOutcome): void {
  if (outcome.kind === 'hold') run.isStopped = true
  else if (!isUnanswered(outcome)) run.isAnswered = true
  else if (run.isOnline()) run.unreachable.add(originOf(mutation))
  else run.isStopped = true
}

function isUnanswered(outcome: SendOutcome): boolean {
  return outcome.kind === 'retry' && outcome.code !== 'status'
}

function note(run: Run, ended: Ended[], settled: Settled[]): void {
  for (const { kind } of settled) {
    if (kind === 'confirmed') run.synced += 1
    if (kind === 'dead') run.failed += 1
  }
  if (ended.length > 0) run.channel.post('settled', { ids: ended.map(({ mutation }) => mutation.id) })
}

async function finish(run: Run): Promise<DrainResult> {
  const { storage, synced, failed, nextDueAt, isStopped } = run
  if (synced > 0) await forgetOldAnswers(storage, run.now())
  const remaining = await storage.mutations.count()
  const result: DrainResult = { synced, failed, remaining, ...(!isStopped && { nextAttemptAt: nextDueAt }) }
  run.channel.post('drained', result)
  return result
}
