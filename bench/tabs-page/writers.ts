import { noteOf } from '../in-browser/note.ts'
import { openRaw, type Raw } from '../in-browser/raw.ts'
import { clock } from './clock.ts'
import { openHoldfast } from './outbox.ts'

export type WriterName = 'ours' | 'byHand'

/** When a write was called for, and when it was on the disk, by the clock that all tabs share. */
export interface Written {
  calledAt: number
  storedAt: number
}

/** When a tab was told of a write of another one, and when its status counted it, where there is a status. */
export interface Seen {
  toldAt: number
  countedAt?: number
}

/** Writes in one tab, and looks out for it in another. */
export interface Writer {
  write(): Promise<void>
  /** What is seen of the next write, from this call on. */
  next(): Promise<Seen>
}

export const WRITERS: Record<WriterName, () => Promise<Writer>> = {
  /** Paused, so that a write is all that happens. */
  async ours() {
    const { mutate, outbox, status, pause } = openHoldfast()
    await pause()
    return {
      async write() {
        const json = noteOf(0)
        await mutate({ url: '/api/notes', entity: `note:${json.id}`, json })
      },
      async next() {
        const { pending } = status.get()
        const told = momentOf(outbox.subscribe)
        const counted = momentOf(status.subscribe, () => status.get().pending > pending)
        return { toldAt: await told, countedAt: await counted }
      },
    }
  },

  /** One transaction that is flushed to the disk, then one message. */
  async byHand() {
    const raw: Raw = await openRaw('by-hand')
    const channel = new BroadcastChannel('by-hand')
    return {
      async write() {
        const value = noteOf(0)
        await raw.put({ key: value.id, value }, 'strict')
        channel.postMessage({ ids: [value.id] })
      },
      next: () =>
        new Promise(resolve => {
          channel.onmessage = () => resolve({ toldAt: clock() })
        }),
    }
  },
}

/** The first moment at which `subscribe` calls and `isIt` holds. */
function momentOf(subscribe: (fn: () => void) => () => void, isIt = () => true): Promise<number> {
  return new Promise(resolve => {
    const unsubscribe = subscribe(() => {
      if (!isIt()) return
      resolve(clock())
      unsubscribe()
    })
  })
}
