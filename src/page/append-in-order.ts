import { createAppend } from '../outbox/append.ts'
import { owned, type QueueLimits } from '../outbox/append-context.ts'
import { createCallOrder } from '../outbox/call-order.ts'
import type { PreparedMutation } from '../outbox/mutation-input.ts'
import type { Storage } from '../storage/open-storage.ts'
import type { Channel } from '../tabs/channel.ts'
import type { Later } from './later.ts'
import type { Receipts } from './receipts.ts'

export interface AppendParts {
  open: () => Promise<Storage>
  receipts: Receipts
  channel: Channel
  limits: QueueLimits
  later: Pick<Later, 'loadCoalescing'>
}

/**
 * Makes the function that appends what was prepared, in the order of the calls within one lane, and gives the receipt's
 * promise: that of the mutation that carries the write, which may be an earlier one.
 */
export function createAppendInOrder({ open, receipts, channel, limits, later }: AppendParts) {
  let append: ReturnType<typeof createAppend> | undefined
  const context = () => ({ principal: undefined, limits })
  const inOrder = createCallOrder(async ({ prepared, owner }: Owned) => {
    const { id } = prepared.mutation
    const settled = receipts.expect(id)
    try {
      const storage = await open()
      append ??= createAppend(storage, { context, loadCoalescing: later.loadCoalescing })
      const appended = await append(owned(prepared, { principal: owner() }))
      if (appended.ended.length > 0) channel.post('settled', { ids: appended.ended })
      if (appended.id === id) return { id, settled }
      receipts.forget(id)
      return { id: appended.id, settled: receipts.settledOf(appended.id) }
    } catch (error) {
      receipts.forget(id)
      throw error
    }
  })
  return (lane: string | undefined, prepared: PreparedMutation | Promise<PreparedMutation>, owner: Owned['owner']) =>
    inOrder(lane, prepared instanceof Promise ? prepared.then(one => ({ prepared: one, owner })) : { prepared, owner })
}

interface Owned {
  prepared: PreparedMutation
  owner: () => string | undefined
}
