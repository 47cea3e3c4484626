import { type SettledRecord, settledKey } from '../outbox/settled.ts'
import type { ChannelMessage } from '../protocol/messages.ts'
import type { Settlement } from '../protocol/settlement.ts'
import type { Storage } from '../storage/open-storage.ts'

/** What `mutate()` gives once the write is durable. */
export interface Receipt {
  /** The id of the mutation, a UUID v7; also the idempotency key that the server sees. */
  id: string
  /** How it ended, when it ends; that may be days from now. Never rejects. */
  settled: Promise<Settlement>
  /** Takes it out of the queue. False where that is too late. */
  cancel(): Promise<boolean>
}

export interface Receipts {
  /** The promise for the end of this mutation; asked for before it is stored, so that its end cannot be missed. */
  settledOf(id: string): Promise<Settlement>
  /** It could not be stored, and will never end. */
  forget(id: string): void
  hear(message: ChannelMessage): void
  /** Looks for ends that were missed, as by a page that was frozen. */
  refresh(): Promise<void>
}

/** At the end of a drain, at most that many are looked up. */
const LOOKED_AT = 200

/** Keeps the promises of the mutations that this page made, and reads how they ended when the channel says so. */
export function createReceipts(open: () => Promise<Storage>): Receipts {
  const waiting = new Map<string, (settlement: Settlement) => void>()

  async function look(ids: string[]): Promise<void> {
    const mine = ids.filter(id => waiting.has(id))
    if (mine.length === 0) return
    const { meta } = await open()
    for (const id of mine) {
      const record = await meta.getItem<SettledRecord>(settledKey(id))
      if (record) end(id, record.settlement)
    }
  }

  function end(id: string, settlement: Settlement): void {
    waiting.get(id)?.(settlement)
    waiting.delete(id)
  }

  return {
    forget: id => void waiting.delete(id),
    settledOf: id => new Promise(resolve => waiting.set(id, resolve)),
    hear(message) {
      if (message.type === 'settled') look(message.ids).catch(() => undefined)
      // A message may be lost with its sender.
      if (message.type === 'drained') look([...waiting.keys()].slice(0, LOOKED_AT)).catch(() => undefined)
    },
    refresh: () => look([...waiting.keys()]),
  }
}
