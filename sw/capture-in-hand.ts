import type { Storage } from '../src/storage/open-storage.ts'

/** A write that this worker has begun to answer. */
export interface InHand {
  /** Under which it is sent, and would be stored. */
  id: string
  /** Whether a worker that is no more had it before. */
  isAgain: boolean
  /** To be called when the app has its answer. Never rejects. */
  letGo(): Promise<void>
}

export interface InHandPorts {
  storage: Storage
  now: number
  newId: () => string
}

/**
 * Makes what notes the writes in hand. Where a worker is killed, Chromium gives its requests to the next one, as new as
 * they were (its `ServiceWorkerSubresourceLoader` begins them again): such a write is known by its `mark`, and gets the key
 * of its first attempt, so that a server which has it does it once. Other engines let the request fail; an app that then
 * asks the same again at once means the same write, too.
 */
export function createInHand(startedAt: number): (mark: string, ports: InHandPorts) => Promise<InHand> {
  const life = crypto.randomUUID()
  let isTidy = false
  return async (mark, { storage, now, newId }) => {
    const prefix = `${PREFIX}${mark}|`
    const taken = await storage.transact(
      ['meta'],
      'readwrite',
      async tx => {
        const meta = tx.objectStore('meta')
        const read = async (prefix: string) => {
          const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`)
          const [keys, records] = await Promise.all([meta.getAllKeys(range), meta.getAll(range)])
          return keys.map((key, index) => ({ key: String(key), ...(records[index] as InHandRecord) }))
        }
        // Nobody comes back for what a browser left behind that has crashed.
        for (const { key, at } of isTidy ? [] : await read(PREFIX)) if (now - at > LONGEST_MS) await meta.delete(key)
        isTidy = true
        const isNew = now - startedAt <= AT_ONCE_MS
        const before = isNew
          ? (await read(prefix)).find(({ life: other, at }) => other !== life && now - at <= LONGEST_MS)
          : undefined
        const id = before?.key.slice(prefix.length) ?? newId()
        await meta.put({ life, at: now }, prefix + id)
        return { id, isAgain: before !== undefined }
      },
      // The device need not be asked: what outlives a worker outlives its process.
      { durability: 'relaxed' },
    )
    const forget = () =>
      storage.write(['meta'], tx => tx.objectStore('meta').delete(prefix + taken.id), { durability: 'relaxed' })
    return { ...taken, letGo: () => forget().catch(() => undefined) }
  }
}

interface InHandRecord {
  life: string
  /** Milliseconds since the epoch. */
  at: number
}

const PREFIX = 'in-hand:'

/** What a worker that is gone had in hand comes to the next one when that starts; a body may take its time. */
const AT_ONCE_MS = 30_000

/** So long Chromium lets a worker take for one request. */
const LONGEST_MS = 5 * 60_000
