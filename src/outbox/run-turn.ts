import { isHoldfastError } from '../protocol/errors.ts'
import { sizeOf } from '../protocol/mutation.ts'
import { laneOf, originOf } from '../protocol/queue-key.ts'
import type { ClaimOptions } from './claim.ts'
import { tallyOf } from './counters.ts'
import { isOver, isTooLarge, isWanted, type Run, wanted, wantedFor } from './drain-run.ts'
import { type End, METRICS_KEY, withEnd, withQueueSize } from './metrics.ts'
import { PACE_KEY, type PaceRecord } from './run-pace.ts'
import type { Settled } from './settle.ts'
import { type Ended, type Returned, type Turn, takeTurn } from './turn.ts'

/** One turn of a run: what has ended and what goes back goes on record, and what is next is claimed. */
export async function takeRunTurn(run: Run): Promise<void> {
  const { news, changes } = run
  const ended = [...run.ended]
  const back = returned(run)
  const limit = isOver(run) ? 0 : wanted(run)
  try {
    const keep = { [PACE_KEY]: paceRecord(run), [METRICS_KEY]: run.metrics }
    const turn = await takeTurn(run.storage, { ended, returned: back, claim: claimOptions(run, limit), keep }, run)
    // Only now: until the transaction is complete, nothing of it is done.
    run.ended.splice(0, ended.length)
    run.claimed = run.claimed.filter(one => !back.some(({ mutation }) => mutation === one.mutation))
    take(run, turn)
    if (changes === run.changes) run.isStale = false
    run.isDry = news === run.news && turn.limit === limit && taken(turn) < limit
    note(run, ended, turn.settled)
  } catch (error) {
    const isFull = isHoldfastError(error) && error.code === 'quota-exceeded'
    if (!isFull || run.inFlight === 0 || ended.length + back.length > 0) throw error
    // A lease is more than the device has room for. What ends next will make some.
    run.isDry = true
  }
}

/** What was claimed and cannot be sent in this run any more, or not soon. */
export function returned(run: Run): Returned[] {
  return run.claimed.flatMap(({ mutation }): Returned[] => {
    if (isOver(run) || !isWanted(run, mutation)) return [{ mutation }]
    const origin = originOf(mutation)
    if ('until' in run.pace.room(origin)) return [{ mutation }]
    // It waits for a better link, and is looked at again in case nobody says that there is one.
    if (isTooLarge(run, mutation)) return [{ mutation, until: run.now() + LARGE_WAITS_MS }]
    const until = mutation.attempts > 0 ? run.pace.retryUntil(origin) : undefined
    return until === undefined ? [] : [{ mutation, until }]
  })
}

function taken({ claim }: Turn): number {
  return claim.claimed.length + claim.unsendable.length
}

function take(run: Run, { claim, counters, limit }: Turn): void {
  run.turns += claim.claimed.length
  run.claimed.push(...claim.claimed)
  for (const { mutation, reason } of claim.unsendable) {
    run.ended.push({ mutation, ending: { kind: 'unsendable', reason } })
  }
  if (taken({ claim } as Turn) > 0) run.hasClaimed = true
  if (claim.isStopped) run.isStopped = true
  if (limit > 0) {
    run.nextDueAt = Math.min(
      claim.nextDueAt ?? Number.POSITIVE_INFINITY,
      ...claim.full.map(origin => openAt(run, origin)),
    )
  }
  run.counters = counters
  run.lane = laneOf(claim.principal)
}

/** When an origin may be asked again for which something is ready; never, where only what is under way keeps it. */
function openAt(run: Run, origin: string): number {
  const room = run.pace.room(origin)
  if ('until' in room) return room.until
  // Its time came while we looked.
  return wantedFor(run, origin) > 0 ? run.now() : Number.POSITIVE_INFINITY
}

function claimOptions(run: Run, limit: number): ClaimOptions {
  const { holder, turns, now, exclusive } = run
  // No attempt outlives the deadline, and so must no lease end before it.
  const leaseMs = run.deadline - now() + 5_000
  const slots = (origin: string) => wantedFor(run, origin)
  const bytes = MOST_BYTES - run.claimed.reduce((sum, { mutation }) => sum + sizeOf(mutation), 0)
  const isEmptyHanded = run.claimed.length === 0
  return { holder, leaseMs, exclusive, limit, bytes, isEmptyHanded, turn: turns, now: now(), slots }
}

/** What is too large for a slow link. */
const LARGE_WAITS_MS = 60_000

/** Of bodies at hand, besides those on their way: memory that a device can spare. */
const MOST_BYTES = 8 * 1024 * 1024

function paceRecord({ pace, turns, now }: Run): PaceRecord {
  return { at: now(), turns, state: pace.state() }
}

function note(run: Run, ended: Ended[], settled: Settled[]): void {
  if (ended.length === 0) return
  for (const [index, { kind }] of settled.entries()) {
    if (kind === 'confirmed') run.synced += 1
    if (kind === 'dead') run.failed += 1
    const end = ended[index]
    if (end && kind !== 'lost') run.metrics = withEnd(run.metrics, endOf(end, kind, run.now()))
  }
  const done = run.synced + run.failed
  const pending = run.counters ? tallyOf(run.counters, run.lane).pending : 0
  run.metrics = withQueueSize(run.metrics, pending)
  const progress = { done, total: done + pending, startedAt: run.startedAt }
  run.channel.post('settled', { ids: ended.map(({ mutation }) => mutation.id), progress })
}

function endOf({ mutation, ending, attemptMs }: Ended, kind: End['kind'], now: number): End {
  const isOver = kind === 'confirmed' || kind === 'dead'
  const isConflict = kind === 'dead' && ending.kind === 'conflict'
  return { kind: isConflict ? 'conflict' : kind, attemptMs, ...(isOver && { queuedMs: now - mutation.createdAt }) }
}
