import type { Mutation } from '../protocol/mutation.ts'
import { changeQueue } from './change-queue.ts'
import type { Run } from './drain-run.ts'
import { type Sent, send } from './send.ts'
import { sendPorts } from './send-ports.ts'
import type { SendableRequest } from './sendable-request.ts'
import { noteBegin } from './settle.ts'

/** Sends one mutation as a request of its own. */
export async function sendAlone(run: Run, mutation: Mutation, request: SendableRequest): Promise<Sent> {
  // Whoever finds the lease of one that must not be sent twice unasked has to know whether it was sent at all.
  const mustNote = mutation.onUncertain === 'hold'
  if (mustNote && !(await canBegin(run, mutation))) return NOT_BEGUN
  return send(mutation, request, sendPorts(run, mutation))
}

/** False where somebody else has the lease by now, or the device has no room for the note. */
function canBegin({ storage }: Run, mutation: Mutation): Promise<boolean> {
  return changeQueue(storage, queue => noteBegin(queue, mutation)).catch(() => false)
}

/** Nothing has left the device, and nothing was learned. */
const NOT_BEGUN: Sent = {
  outcome: { kind: 'retry', code: 'interrupted', message: 'It was not sent.', costsAttempt: false, uncertain: false },
}
