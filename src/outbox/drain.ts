import type { DrainResult } from '../protocol/messages.ts'
import { originOf } from '../protocol/queue-key.ts'
import { sendTogether } from './attempt.ts'
import { beginRun } from './begin-run.ts'
import type { Claimed } from './claim.ts'
import { tallyOf } from './counters.ts'
import {
  createRun,
  type DrainOptions,
  type DrainPorts,
  isOver,
  isTooLarge,
  isWanted,
  perRequest,
  type Run,
  wanted,
} from './drain-run.ts'
import { forgetOldAnswers } from './forget-answers.ts'
import { METRICS_KEY, withDrain } from './metrics.ts'
import { readTally } from './read-tally.ts'
import { returned, takeRunTurn } from './run-turn.ts'

/**
 * Sends what is due until nothing is, several at a time, and never two of one entity. After each step the stored state is
 * safe: this may be killed at any await, and the next run goes on from there.
 *
 * Rejects with `invalid-options` where the app's settings name a handler that this context does not have: nothing is sent
 * then, since it would be sent as somebody else.
 */
export async function drain(ports: DrainPorts, options: DrainOptions): Promise<DrainResult> {
  const run: Run = createRun(ports, options, await beginRun(ports, options, origin => hasMore(run, origin)))
  const unsubscribe = ports.channel.onMessage(({ type }) => {
    if (type === 'changed') noteChange(run)
    if (type === 'appended' || type === 'changed') lookAgain(run)
  })
  const ended = new AbortController()
  run.onOffline?.(() => cutOff(run), ended.signal)
  try {
    for (;;) {
      dispatch(run)
      if (wantsTurn(run)) await takeRunTurn(run)
      else if (run.inFlight > 0 || restUntil(run) < Number.POSITIVE_INFINITY) await nextEvent(run)
      else if (run.claimed.length === 0) break
      // Nothing may go, and nothing that is awaited would change it: no lease stays behind.
      else run.isCut = true
    }
  } catch (error) {
    // Whoever holds the lock next takes over every lease: nothing of ours may be on its way then.
    run.giveUp.abort()
    while (run.inFlight > 0) await run.nextEnd()
    throw error
  } finally {
    unsubscribe()
    ended.abort()
  }
  return finish(run)
}

/** A request that is under way when the network goes hangs until its time is up, also when the network is back at once. */
function cutOff(run: Run): void {
  run.isCut = true
  run.giveUp.abort(new Error('The network was lost.'))
}

/** Sends what was claimed, as far as there is room. */
function dispatch(run: Run): void {
  const ids: string[] = []
  for (let next = takeNext(run); next; next = takeNext(run)) {
    ids.push(...next.map(({ mutation }) => mutation.id))
    run.inFlight += 1
    void attempt(run, next)
  }
  if (ids.length > 0) run.channel.post('sending', { ids })
}

/** What goes into the next request: one mutation, or a batch of them; nothing where there is no room. */
function takeNext(run: Run): [Claimed, ...Claimed[]] | undefined {
  const first = isOver(run) ? undefined : run.claimed.find(one => mayGo(run, one))
  if (!first) return undefined
  const origin = originOf(first.mutation)
  const isBatch = perRequest(run) > 1 && origin === originOf({ url: run.settings.pace.endpoint ?? '' })
  const alike = (one: Claimed) => one !== first && originOf(one.mutation) === origin && mayGo(run, one)
  const others = isBatch ? run.claimed.filter(alike).slice(0, perRequest(run) - 1) : []
  run.claimed = run.claimed.filter(one => one !== first && !others.includes(one))
  return [first, ...others]
}

function mayGo(run: Run, { mutation }: Claimed): boolean {
  const { pace, now, isAnswered } = run
  const origin = originOf(mutation)
  const room = pace.room(origin)
  if (
    !isWanted(run, mutation) ||
    isTooLarge(run, mutation) ||
    'until' in room ||
    room.slots <= 0 ||
    pace.restUntil(origin) > now()
  )
    return false
  // Until a server has answered, one request to each origin asks whether there is a network.
  if (!isAnswered && pace.inFlight(origin) > 0) return false
  return mutation.attempts === 0 || pace.retryUntil(origin) === undefined
}

/** Never rejects, so that every attempt has an end. */
async function attempt(run: Run, members: readonly [Claimed, ...Claimed[]]): Promise<void> {
  const { ended, unsent } = await sendTogether(run, members)
  run.inFlight -= 1
  run.ended.push(...ended)
  run.claimed.unshift(...unsent)
  run.hasEnded()
}

function hasMore({ claimed, isDry }: Run, origin: string): boolean {
  return !isDry || claimed.some(({ mutation }) => originOf(mutation) === origin)
}

/** What is at hand waits for the next turn, which reads how things stand. */
function noteChange(run: Run): void {
  run.changes += 1
  run.isStale = true
  // It may have been the end of a hold, or of a pause: the next claim tells.
  run.isStopped = false
}

/** Something new may be ready. */
function lookAgain(run: Run): void {
  run.isDry = false
  run.news += 1
  run.hasEnded()
}

function wantsTurn(run: Run): boolean {
  if (run.ended.length > 0 || returned(run).length > 0) return true
  return !run.isDry && !isOver(run) && wanted(run) > 0
}

/** Resolves when an attempt ends, something new was recorded, or something delayed is due. */
async function nextEvent(run: Run): Promise<void> {
  const until = Math.min(restUntil(run), wanted(run) > 0 ? run.nextDueAt : Number.POSITIVE_INFINITY)
  if (!Number.isFinite(until) || isOver(run)) return run.nextEnd()
  const waiting = new AbortController()
  const due = run.sleep(Math.max(0, until - run.now()), waiting.signal).then(() => {
    if (!waiting.signal.aborted && run.now() >= run.nextDueAt) run.isDry = false
  })
  await Promise.race([run.nextEnd(), due])
  waiting.abort()
}

/** When the next of what is at hand may go, where the rest between two requests keeps it. */
function restUntil(run: Run): number {
  const untils = isOver(run) ? [] : run.claimed.map(({ mutation }) => run.pace.restUntil(originOf(mutation)))
  return Math.min(...untils.filter(until => until > run.now()))
}

async function finish(run: Run): Promise<DrainResult> {
  const { storage, synced, failed, counters, lane } = run
  if (synced + failed > 0 && (run.mayHaveOldAnswers || hasTooManyAnswers(run))) {
    await forgetOldAnswers(storage, run.settings.answers, run.now())
  }
  if (run.hasClaimed) await keepMetrics(run)
  // Who was out of time, or asleep, may have missed what came meanwhile.
  const { pending, held } = counters && !isOver(run) ? tallyOf(counters, lane) : await readTally(storage)
  const next = nextAttemptAt(run)
  // What waits for a person is nothing to come back for.
  const remaining = pending - held
  const result: DrainResult = { synced, failed, remaining }
  if (run.isAnswered !== undefined) result.reached = run.isAnswered
  if (remaining > 0 && Number.isFinite(next)) result.nextAttemptAt = next
  run.channel.post('drained', result)
  return result
}

function hasTooManyAnswers({ counters, settings: { answers } }: Run): boolean {
  return counters === undefined || counters.answers.count > answers.count || counters.answers.bytes > answers.bytes
}

/** When it is worth while to look again: at the end of our time where that is why this run ended. */
function nextAttemptAt(run: Run): number {
  const { nextDueAt, leaseEndsAt, isStopped, isCut, deadline } = run
  if (isStopped) return Number.POSITIVE_INFINITY
  const soonest = Math.min(nextDueAt, leaseEndsAt ?? Number.POSITIVE_INFINITY)
  if (isCut) return Math.min(soonest, run.now() + AFTER_CUT_MS)
  return isOver(run) ? Math.min(soonest, Math.max(deadline, run.now())) : soonest
}

const AFTER_CUT_MS = 1_000

/** The ends of the last turn, and the drain itself. They are not worth a failure. */
async function keepMetrics(run: Run): Promise<void> {
  const durationMs = run.now() - run.startedAt
  run.mark?.('holdfast:drain', durationMs, { synced: run.synced, failed: run.failed })
  const metrics = withDrain(run.metrics, durationMs)
  const write = run.storage.write(['meta'], tx => void tx.objectStore('meta').put(metrics, METRICS_KEY), RELAXED)
  await write.catch(() => undefined)
}

const RELAXED = { durability: 'relaxed' } as const
