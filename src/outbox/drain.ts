import type { DrainResult } from '../protocol/messages.ts'
import type { Mutation } from '../protocol/mutation.ts'
import { originOf } from '../protocol/queue-key.ts'
import type { SendOutcome } from '../protocol/settlement.ts'
import type { Claimed } from './claim.ts'
import { connections, createRun, type DrainOptions, type DrainPorts, isOver, type Run, wanted } from './drain-run.ts'
import { forgetOldAnswers } from './forget-answers.ts'
import { recover } from './recover.ts'
import { send } from './send.ts'
import type { Settled } from './settle.ts'
import { type Ended, takeTurn } from './turn.ts'

/** An attempt longer than this is given up, and made again under the same key; the event that carries it may end sooner. */
const ATTEMPT_TIMEOUT_MS = 120_000

/**
 * Sends what is due until nothing is, several at a time, and never two of one entity. After each step the stored state is
 * safe: this may be killed at any await, and the next run goes on from there.
 */
export async function drain(ports: DrainPorts, options: DrainOptions): Promise<DrainResult> {
  const unreachable = await recover(ports.storage, { ...options, now: ports.now() })
  const run = createRun(ports, options, unreachable)
  const unsubscribe = ports.channel.onMessage(({ type }) => {
    if (type === 'appended' || type === 'changed') lookAgain(run)
  })
  try {
    for (;;) {
      dispatch(run)
      if (wantsTurn(run)) await turn(run)
      else if (run.inFlight > 0) await nextEvent(run)
      else break
    }
  } catch (error) {
    // Whoever holds the lock next takes over every lease: nothing of ours may be on its way then.
    run.giveUp.abort()
    while (run.inFlight > 0) await run.nextEnd()
    throw error
  } finally {
    unsubscribe()
  }
  return finish(run)
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

/** Never rejects, so that every attempt has an end. */
async function attempt(run: Run, { mutation, body }: Claimed): Promise<void> {
  const ending = await tryToSend(run, mutation, body).catch(impossible)
  run.inFlight -= 1
  // At once, and not in the next turn: whatever is sent before that must know.
  notePath(run, mutation, ending)
  run.ended.push({ mutation, ending })
  run.hasEnded()
}

async function tryToSend(run: Run, mutation: Mutation, body: Claimed['body']): Promise<SendOutcome> {
  const left = Math.max(0, Math.min(ATTEMPT_TIMEOUT_MS, run.deadline - run.now()))
  const signals = [run.timeout(left), run.giveUp.signal, ...(run.signal ? [run.signal] : [])]
  return send(mutation, body, { fetch: run.fetch, now: run.now, signal: AbortSignal.any(signals) })
}

function impossible(error: unknown): SendOutcome {
  const message = error instanceof Error ? error.message : String(error)
  return { kind: 'retry', code: 'network', message, costsAttempt: true, uncertain: false }
}

/** Something new may be ready. */
function lookAgain(run: Run): void {
  run.isDry = false
  run.hasEnded()
}

/** Resolves when an attempt ends, something new was recorded, or something delayed is due. */
async function nextEvent(run: Run): Promise<void> {
  const { nextDueAt, now, sleep } = run
  if (nextDueAt === undefined || isOver(run) || wanted(run) <= 0) return run.nextEnd()
  const waiting = new AbortController()
  const due = sleep(Math.max(0, nextDueAt - now()), waiting.signal).then(() => {
    if (!waiting.signal.aborted) run.isDry = false
  })
  await Promise.race([run.nextEnd(), due])
  waiting.abort()
}

function wantsTurn(run: Run): boolean {
  if (run.ended.length > 0 || unsendable(run).length > 0) return true
  return !run.isDry && !isOver(run) && wanted(run) > 0
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
  const { settled, claim, limit: taken } = await takeTurn(run.storage, options, run)
  // Only now: until the transaction is complete, nothing of it is done.
  run.ended.splice(0, ended.length)
  run.claimed = run.claimed.filter(one => !returned.includes(one))
  run.turns += claim.claimed.length
  run.claimed.push(...claim.claimed)
  for (const { mutation, reason } of claim.unsendable) {
    run.ended.push({ mutation, ending: { kind: 'unsendable', reason } })
  }
  run.isDry = taken === limit && claim.claimed.length + claim.unsendable.length < limit
  if (claim.isStopped) run.isStopped = true
  if (taken > 0) run.nextDueAt = claim.nextDueAt
  note(run, ended, settled)
}

function claimOptions(run: Run, limit: number) {
  const { holder, unreachable } = run
  // No attempt outlives the deadline, and so must no lease end before it.
  const leaseMs = run.deadline - run.now() + 5_000
  const slots = (origin: string) => (unreachable.has(origin) ? 0 : limit)
  return { holder, leaseMs, limit, slots, turn: run.turns, now: run.now() }
}

/**
 * After a network failure: nothing more if the device is offline. An origin is left alone after the second one in a row,
 * of another mutation: a single one may be the fault of that mutation, and the others must not wait for it.
 */
function notePath(run: Run, mutation: Mutation, outcome: SendOutcome): void {
  const origin = originOf(mutation)
  if (outcome.kind === 'hold') run.isStopped = true
  if (!isUnanswered(outcome)) {
    run.isAnswered = true
    run.silent.delete(origin)
    run.unreachable.delete(origin)
    return
  }
  const first = run.silent.get(origin) ?? mutation.id
  run.silent.set(origin, first)
  if (!run.isOnline()) run.isStopped = true
  else if (first !== mutation.id) run.unreachable.set(origin, Number.POSITIVE_INFINITY)
}

function isUnanswered(outcome: SendOutcome): boolean {
  return outcome.kind === 'retry' && outcome.code !== 'status'
}

function note(run: Run, ended: Ended[], settled: Settled[]): void {
  for (const [index, one] of settled.entries()) {
    if (one.kind === 'confirmed') run.synced += 1
    if (one.kind === 'dead') run.failed += 1
    const mutation = ended[index]?.mutation
    if (one.kind === 'retry' && mutation) noteDelay(run, originOf(mutation), one.nextAttemptAt)
  }
  if (ended.length > 0) run.channel.post('settled', { ids: ended.map(({ mutation }) => mutation.id) })
}

function noteDelay({ unreachable }: Run, origin: string, until: number): void {
  const known = unreachable.get(origin)
  if (known !== undefined) unreachable.set(origin, Math.min(known, until))
}

async function finish(run: Run): Promise<DrainResult> {
  const { storage, synced, failed, isStopped } = run
  if (synced > 0) await forgetOldAnswers(storage, run.now())
  const remaining = await storage.mutations.count()
  const result: DrainResult = { synced, failed, remaining, ...(!isStopped && { nextAttemptAt: nextAttempt(run) }) }
  run.channel.post('drained', result)
  return result
}

/** What is delayed, or ready for an origin that is left alone, may be tried again then. */
function nextAttempt({ nextDueAt, unreachable }: Run): number | undefined {
  const soonest = Math.min(nextDueAt ?? Number.POSITIVE_INFINITY, ...unreachable.values())
  return Number.isFinite(soonest) ? soonest : undefined
}
