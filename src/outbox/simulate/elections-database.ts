import type { Storage } from '../../storage/open-storage.ts'
import type { Context } from './context.ts'
import type { ElectionFaults } from './elections-faults.ts'
import { type PortCall, portCall } from './port-call.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

export interface MetaPorts {
  scheduler: Scheduler
  random: Random
  faults: ElectionFaults
  /** A transaction that writes is complete; its context may not know yet. */
  onCommit: (context: Context, written: ReadonlyMap<string, unknown>) => void
}

export interface MetaModel {
  records: ReadonlyMap<string, unknown>
  /** As much of the storage as `terms.ts` uses. */
  storageFor(context: Context): Storage
}

type Work<T> = (tx: unknown) => Promise<T>

/** The store `meta`, in transactions one after the other: each begins, and is known to be complete, a little later. */
export function createMetaModel({ scheduler, random, faults, onCommit }: MetaPorts): MetaModel {
  const records = new Map<string, unknown>()

  /** What `work` awaits are microtasks only, so that nothing comes between its first step and its last. */
  const begin = async <T>(context: Context, mode: IDBTransactionMode, work: Work<T>, call: PortCall<T>) => {
    const isRefused = faults.refuses(mode)
    const written = new Map<string, unknown>()
    const store = {
      get: async (key: string) => written.get(key) ?? records.get(key),
      put: async (value: unknown, key: string) => void written.set(key, value),
    }
    const result = isRefused ? undefined : await work({ objectStore: () => store })
    for (const [key, value] of written) records.set(key, value)
    if (written.size > 0) onCommit(context, written)
    const end = () => (isRefused ? call.reject(new Error('The database is refused')) : call.resolve(result as T))
    const label = isRefused ? 'transaction refused' : 'transaction complete'
    scheduler.schedule({ context, delayMs: random.between(0, 10), label, run: end })
  }

  const transact = <T>(context: Context, mode: IDBTransactionMode, work: Work<T>) =>
    portCall<T>({ context, signal: undefined }, call => {
      const run = () => void begin(context, mode, work, call)
      scheduler.schedule({ context, delayMs: random.between(0, 10), label: `${mode} transaction begins`, run })
    })

  return {
    records,
    storageFor(context) {
      const get = (_store: string, key: string) => transact(context, 'readonly', async () => records.get(key))
      const storage = {
        transact: <T>(_stores: unknown, mode: IDBTransactionMode, work: Work<T>) => transact(context, mode, work),
        write: (_stores: unknown, work: (tx: unknown) => void) =>
          transact(context, 'readwrite', tx => byRequests(tx as Tx, work)),
        database: { get },
      }
      return storage as unknown as Storage
    },
  }
}

interface Store {
  get(key: string): Promise<unknown>
  put(value: unknown, key: string): Promise<void>
}

interface Tx {
  objectStore(): Store
}

/** The same by requests, as the platform has them: each is answered when the work has said what it wants. */
async function byRequests(tx: Tx, work: (tx: unknown) => void): Promise<void> {
  const store = tx.objectStore()
  const asked: { key: string; request: { result?: unknown; onsuccess?: () => void } }[] = []
  const get = (key: string) => {
    const request = {}
    asked.push({ key, request })
    return request
  }
  work({ objectStore: () => ({ get, put: store.put }) })
  for (const { key, request } of asked) {
    request.result = await store.get(key)
    request.onsuccess?.()
  }
}
