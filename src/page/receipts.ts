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
  /**
   * The promise for the end of a mutation that is about to be stored; nothing is read for it. Whoever asks for the same one
   * again gets the same promise.
   */
  expect(id: string): Promise<Settlement>
  /** The same for one that is on record, which may have ended already. */
  settledOf(id: string): Promise<Settlement>
  /** It could not be stored, and will never end. */
  forget(id: string): void
  hear(message: ChannelMessage): void
  /** Looks for ends that were missed, as by a page that was frozen. */
  refresh(): Promise<void>
}

interface Waiting {
  settled: Promise<Settlement>
  end: (settlement: Settlement) => void
}

/** At the end of a drain, at most that many are looked up. */
const LOOKED_AT = 200

/** Keeps the promises of the mutations that this page made, and reads how they ended when the channel says so. */
export function createReceipts(open: () => Promise<Storage>): Receipts {
  const waiting = new Map<string, Waiting>()

  async function look(ids: string[]): Promise<void> {
    const mine = ids.filter(id => waiting.has(id))
    if (mine.length === 0) return
    const { meta } = await open()
    for (const id of mine) {
      const record = await meta.getItem<SettledRecord>(settledKey(id))
      if (!record) continue
      waiting.get(id)?.end(record.settlement)
      waiting.delete(id)
    }
  }

  function expect(id: string): Promise<Settlement> {
    const known = waiting.get(id)
    if (known) return known.settled
    let end: Waiting['end'] = () => {}
    const settled = new Promise<Settlement>(resolve => {
      end = resolve
    })
    waiting.set(id, { settled, end })
    return settled
  }

  return {
    expect,
    settledOf(id) {
      const settled = expect(id)
      // Looked for after it was asked for, so that it cannot end in between.
      look([id]).catch(() => undefined)
      return settled
    },
    forget: id => void waiting.delete(id),
    hear(message) {
      if (message.type === 'settled') look(message.ids).catch(() => undefined)
      // A message may be lost with its sender.
      if (message.type === 'drained') look([...waiting.keys()].slice(0, LOOKED_AT)).catch(() => undefined)
    },
    refresh: () => look([...waiting.keys()]),
  }
}
