import { openRaw, type Raw } from '../in-browser/raw.ts'
import { type Contender, postOf } from './contender.ts'

/** Requests in flight: as many connections as browsers open to one origin over HTTP/1.1. */
const IN_FLIGHT = 6

interface Waiting {
  key: string
  url: string
  note: Parameters<typeof postOf>[0]
}

/**
 * What an app would write by hand: reads the queue from raw IndexedDB, keeps six requests in flight, and deletes each
 * record in a transaction of its own after its answer. No lease, no retry, no order, and nothing kept of the answer.
 */
export function createByHand(): Contender {
  return createLoop('by-hand', 1, async (url, [first]) => {
    if (first) await post(url, postOf(first.note, first.key))
  })
}

/** The same with many writes in one request, in the shape of docs/batch-endpoint.md, and one transaction for all of them. */
export function createByHandInBatches(size: number): Contender {
  return createLoop('by-hand-in-batches', size, (_url, some) => {
    const requests = some.map(({ key: id, url, note: json }) => {
      const headers = { 'content-type': 'application/json' }
      return { id, method: 'POST', url, headers, body: { kind: 'json', json } }
    })
    const headers = { 'content-type': 'application/vnd.holdfast.batch+json' }
    return post('/api/batch', { method: 'POST', headers, body: JSON.stringify({ version: 1, requests }) })
  })
}

function createLoop(name: string, size: number, send: (url: string, some: Waiting[]) => Promise<void>): Contender {
  let raw: Raw | undefined
  const open = async () => {
    raw ??= await openRaw(name)
    return raw
  }
  return {
    async fill(notes, url) {
      const database = await open()
      const records = notes.map((note, index) => {
        const key = `${String(index).padStart(16, '0')}|${note.id}`
        return { key, value: { key, url, note } }
      })
      await database.putAll(records, 'strict')
    },
    async drain() {
      const database = await open()
      const waiting = await database.getAll<Waiting>()
      const lane = async () => {
        for (;;) {
          const some = waiting.splice(0, size)
          const [first] = some
          if (!first) return
          await send(first.url, some)
          const keys = some.map(({ key }) => key)
          await database.delete(keys, 'relaxed')
        }
      }
      await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
    },
  }
}

async function post(url: string, init: RequestInit): Promise<void> {
  const response = await fetch(url, init)
  if (!response.ok) throw new Error(`The server answered ${response.status}.`)
  await response.text()
}
