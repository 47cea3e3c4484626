import type { Mutation } from '../protocol/mutation.ts'
import { originOf } from '../protocol/queue-key.ts'
import type { Claimed } from './claim.ts'
import { isWanted, type Run } from './drain-run.ts'
import { type Sent, unanswered } from './send.ts'
import { sendAlone } from './send-alone.ts'
import { sendBatched } from './send-batched.ts'
import type { Ended } from './turn.ts'

/** What came of mutations that were sent together. */
export interface Together {
  ended: Ended[]
  /** Those that were not sent after all. */
  unsent: Claimed[]
}

/** Sends mutations of one origin with as few requests as can be, and tells what came of each. Never rejects. */
export async function sendTogether(run: Run, members: readonly [Claimed, ...Claimed[]]): Promise<Together> {
  const [{ mutation: first }] = members
  const origin = originOf(first)
  const isRetry = members.some(({ mutation }) => mutation.attempts > 0)
  run.pace.begin(origin, { isRetry })
  const startedAt = run.now()
  const { sent, head } = await sendAll(run, members).catch(error => impossible(error, members.length))
  const now = run.now()
  const isCut = now >= run.deadline || run.giveUp.signal.aborted || run.signal?.aborted === true
  const wasNotBegun = head.outcome.kind === 'retry' && head.outcome.code === 'interrupted'
  const isAbandoned = (isCut && isSilent(head)) || wasNotBegun
  run.pace.end(origin, { rttMs: now - startedAt, ...head, id: first.id, isRetry, isAbandoned })
  run.mark?.('holdfast:attempt', now - startedAt, { ids: members.map(({ mutation }) => mutation.id) })
  // One that this page ended itself, as it was put away, says nothing of the network.
  if (!run.signal?.aborted) notePath(run, first, head)
  const unsent = members.filter((_, index) => !sent[index])
  const ended = members.flatMap(({ mutation }, index): Ended[] => {
    const ending = sent[index]
    return ending ? [{ mutation, ending, attemptMs: now - startedAt }] : []
  })
  return { ended, unsent }
}

/** What came of requests for several mutations. */
export interface AllSent {
  /** The outcome of each; nothing for what was not sent. */
  sent: (Sent['outcome'] | undefined)[]
  /** What the last request came to. */
  head: Head
}

export interface Head extends Sent {
  /** Where it was not the only one. Milliseconds. */
  rttMs?: number
}

function impossible(error: unknown, count: number): AllSent {
  const outcome = unanswered(error)
  return { sent: Array.from({ length: count }, () => outcome), head: { outcome } }
}

/** At once, and not in the next turn: whatever is sent before that must know. */
function notePath(run: Run, mutation: Mutation, head: Sent): void {
  if (head.outcome.kind === 'hold' && isWanted(run, mutation)) run.isStopped = true
  if (isSilent(head) && !run.isOnline()) run.isStopped = true
  run.isAnswered = !isSilent(head) || run.isAnswered === true
}

function isSilent({ outcome }: Sent): boolean {
  return outcome.kind === 'retry' && outcome.code !== 'status'
}

async function sendAll(run: Run, members: readonly [Claimed, ...Claimed[]]): Promise<AllSent> {
  const [{ mutation, request }, ...others] = members
  if (others.length > 0) return sendBatched(run, members)
  const head = await sendAlone(run, mutation, request)
  return { sent: [head.outcome], head }
}
