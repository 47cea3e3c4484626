import type { DrainResult } from '../protocol/messages.ts'
import type { Mutation } from '../protocol/mutation.ts'
import type { SendOutcome } from '../protocol/settlement.ts'
import type { Storage } from '../storage/open-storage.ts'
import type { Channel } from '../tabs/channel.ts'
import { type Claim, claimNext } from './claim.ts'
import { send } from './send.ts'
import { bury, type Settled, settle } from './settle.ts'
import { forgetOldAnswers } from './settled.ts'

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

/** An attempt longer than this is given up, and made again under the same key. */
const ATTEMPT_TIMEOUT_MS = 30_000

/**
 * Sends what is due, one mutation after the other, until nothing is. After each step the stored state is safe: this may
 * be killed at any await, and the next run goes on from there.
 */
export async function drain(ports: DrainPorts, options: DrainOptions): Promise<DrainResult> {
  const { storage, channel, now } = ports
  const run: Run = { ...ports, ...options, unreachable: new Map(), synced: 0, failed: 0, nextAttemptAt: undefined }
  while (!isOver(run) && (await step(run, await claim(run)))) {}
  const { synced, failed, nextAttemptAt } = run
  if (synced > 0) await forgetOldAnswers(storage, now())
  const result: DrainResult = { synced, failed, remaining: await storage.mutations.count(), nextAttemptAt }
  channel.post('drained', result)
  return result
}

interface Run extends DrainPorts, DrainOptions {
  unreachable: Map<string, number>
  synced: number
  failed: number
  nextAttemptAt: number | undefined
}

function isOver({ now, deadline, signal }: Run): boolean {
  return now() >= deadline || signal?.aborted === true
}

function claim({ storage, holder, exclusive, eagerBefore, unreachable, now }: Run): Promise<Claim> {
  const leaseMs = ATTEMPT_TIMEOUT_MS + 5_000
  return claimNext(storage, { holder, exclusive, eagerBefore, unreachable, leaseMs, now: now() })
}

/** Acts on one claim; says whether to go on. */
async function step(run: Run, claim: Claim): Promise<boolean> {
  if (claim.kind === 'empty' || claim.kind === 'paused') return false
  if (claim.kind === 'wait') {
    run.nextAttemptAt = claim.until
    return false
  }
  if (claim.kind === 'unsendable') {
    note(run, claim.mutation, await bury(run.storage, claim.mutation, claim.reason, run.now()))
    return true
  }
  const { mutation } = claim
  run.channel.post('sending', { ids: [mutation.id] })
  const outcome = await attempt(run, mutation, claim.body)
  const settled = await settle(run.storage, mutation, outcome, run)
  note(run, mutation, settled)
  return isUnanswered(outcome) ? goOnWithout(run, mutation, settled) : true
}

function attempt(run: Run, mutation: Mutation, body: string | ArrayBuffer | undefined): Promise<SendOutcome> {
  const left = Math.max(0, Math.min(ATTEMPT_TIMEOUT_MS, run.deadline - run.now()))
  const signals = [run.timeout(left), ...(run.signal ? [run.signal] : [])]
  return send(mutation, body, { fetch: run.fetch, now: run.now, signal: AbortSignal.any(signals) })
}

function note(run: Run, { id }: Mutation, settled: Settled): void {
  if (settled.kind === 'confirmed') run.synced += 1
  if (settled.kind === 'dead') run.failed += 1
  run.channel.post('settled', { ids: [id] })
}

function isUnanswered(outcome: SendOutcome): boolean {
  return outcome.kind === 'retry' && outcome.code !== 'status'
}

/** After a network failure: nothing more if the device is offline, else the other origins. */
function goOnWithout(run: Run, { url }: Mutation, settled: Settled): boolean {
  if (!run.isOnline()) return false
  if (settled.kind === 'retry') run.unreachable.set(new URL(url).origin, settled.nextAttemptAt)
  return true
}
