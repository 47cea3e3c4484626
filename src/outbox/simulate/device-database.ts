import { IDBFactory } from 'fake-indexeddb'
import type { StoreName } from '../../protocol/names.ts'
import type { Context } from './context.ts'
import type { Scheduler } from './scheduler.ts'

/** What the storage does wrong at one transaction. */
export type StorageFault =
  /** It fails, and nothing of it is kept. */
  | 'fail'
  /** There is no room for it when it is to be committed. */
  | 'quota'
  /** The connection is closing, and nobody has told its owner. */
  | 'closing'
  /** The browser takes the connection away, with everything that is under way on it. */
  | 'terminated'

export interface DeviceDatabase {
  /** The database as this context sees it: each transaction begins, and is known to be complete, when the scheduler says. */
  factoryFor(context: Context): IDBFactory
  /** What is in a store now, by its keys. Not copies: look, and leave them. */
  records<T>(store: StoreName): Map<string, T>
  /** Changes a record behind everybody's back, for planted bugs. */
  put(store: StoreName, key: string, value: unknown): void
  remove(store: StoreName, key: string): void
}

export interface DeviceDatabaseOptions {
  name: string
  scheduler: Scheduler
  latencyMs: () => number
  /** Asked once for each transaction that a context begins. */
  faultOf: (mode: IDBTransactionMode) => StorageFault | undefined
  /** Whether anything may go wrong now: a transaction of a frozen context may begin long after its fault was chosen. */
  mayFail: () => boolean
  failsToOpen: () => boolean
  beforeBegin: (context: Context, mode: IDBTransactionMode) => void
  onCommit: (context: Context) => void
}

/** The inside of fake-indexeddb 6, as far as this reaches into it. */
interface RawTransaction extends IDBTransaction {
  _started: boolean
  _state: 'active' | 'inactive' | 'committing' | 'finished'
  _requests: { request: { readyState: string } }[]
  _start(): void
  _abort(name: string): void
  _markFinished(): void
}
interface RawConnection extends IDBDatabase {
  _rawDatabase: RawDatabase
  _closePending: boolean
  _closed: boolean
  listeners: { type: string; callback: (event: unknown) => void }[]
}
interface RawDatabase {
  transactions: RawTransaction[]
  connections: RawConnection[]
  processTransactions(): void
  rawObjectStores: Map<string, RawStore>
}
interface RawStore {
  records: { values(): Iterable<{ key: string; value: unknown }> }
  storeRecord(record: { key: string; value: unknown }, noOverwrite: boolean): void
  deleteRecord(key: string): void
}

/** One device's database: the semantics of IndexedDB by fake-indexeddb, its time and its faults by the simulator. */
export function createDeviceDatabase(options: DeviceDatabaseOptions): DeviceDatabase {
  const factory = new IDBFactory()
  const raw = () => (factory as unknown as { _databases: Map<string, RawDatabase> })._databases.get(options.name)
  const store = (name: StoreName) => raw()?.rawObjectStores.get(name)

  return {
    factoryFor: context => {
      const connections = new Set<RawConnection>()
      context.cleanups.add(() => connections.forEach(takeAway))
      const open = (name: string, version?: number) => openLater(factory, context, connections, options, name, version)
      return { open } as unknown as IDBFactory
    },
    records: <T>(name: StoreName) =>
      new Map([...(store(name)?.records.values() ?? [])].map(({ key, value }) => [key, value as T])),
    put: (name, key, value) => store(name)?.storeRecord({ key, value }, false),
    remove: (name, key) => store(name)?.deleteRecord(key),
  }
}

/** A request to open the database that begins when the scheduler says. It has what `storage/connection.ts` uses. */
function openLater(
  factory: IDBFactory,
  context: Context,
  connections: Set<RawConnection>,
  options: DeviceDatabaseOptions,
  name: string,
  version: number | undefined,
): IDBOpenDBRequest {
  let real: IDBOpenDBRequest | undefined
  let failure: DOMException | undefined
  const request = {
    onupgradeneeded: undefined as ((event: unknown) => void) | undefined,
    onblocked: undefined as ((event: unknown) => void) | undefined,
    onsuccess: undefined as (() => void) | undefined,
    onerror: undefined as (() => void) | undefined,
    get result() {
      return real?.result
    },
    get error() {
      return failure ?? real?.error
    },
    get transaction() {
      return real?.transaction
    },
  }
  const run = () => {
    if (options.failsToOpen()) {
      failure = new DOMException('Internal error opening backing store', 'UnknownError')
      request.onerror?.()
      return
    }
    real = version === undefined ? factory.open(name) : factory.open(name, version)
    real.onupgradeneeded = event => request.onupgradeneeded?.(event)
    real.onblocked = event => request.onblocked?.(event)
    real.onerror = () => request.onerror?.()
    real.onsuccess = () => {
      const connection = real?.result as RawConnection
      connections.add(connection)
      watch(connection, context, options)
      request.onsuccess?.()
    }
  }
  options.scheduler.schedule({ context, delayMs: options.latencyMs(), label: 'database opened', run })
  return request as unknown as IDBOpenDBRequest
}

/** Puts each transaction of a connection under the scheduler. */
function watch(connection: RawConnection, context: Context, options: DeviceDatabaseOptions): void {
  const begin = connection.transaction.bind(connection)
  connection.transaction = (stores, mode = 'readonly', settings) => {
    const fault = options.faultOf(mode)
    if (fault === 'closing') shut(connection)
    const transaction = begin(stores, mode, settings) as RawTransaction
    hold(transaction, context, fault, options)
    return transaction
  }
  // The platform's own waits, task by task, until all transactions of all connections are finished.
  connection.close = () => shut(connection)
}

function hold(
  transaction: RawTransaction,
  context: Context,
  fault: StorageFault | undefined,
  options: DeviceDatabaseOptions,
): void {
  const { scheduler, latencyMs, beforeBegin, onCommit } = options
  const { mode } = transaction
  const start = transaction._start.bind(transaction)
  const stores = [...transaction.objectStoreNames].join('+')
  const label = `${mode} ${stores}`
  let step = (): void => {
    // It counts as running: what overlaps it has to wait.
    transaction._started = true
    step = () => undefined
    const run = () => {
      const struck = options.mayFail() ? fault : undefined
      step = struck === 'quota' ? () => startWithoutRoom(transaction, start) : start
      if (struck === 'terminated') return terminate(transaction.db as RawConnection)
      if (struck === 'fail') return transaction._abort('UnknownError')
      beforeBegin(context, mode)
      step()
    }
    scheduler.schedule({ context, delayMs: latencyMs(), label: `begin ${label}${fault ? `, ${fault}` : ''}`, run })
  }
  transaction._start = () => step()

  const dispatch = transaction.dispatchEvent.bind(transaction)
  transaction.dispatchEvent = event => {
    if (event.type !== 'complete' || mode === 'readonly') return dispatch(event)
    onCommit(context)
    rawOf(transaction).processTransactions()
    scheduler.schedule({ context, lane: 'complete', label: `complete ${label}`, run: () => void dispatch(event) })
    return true
  }
}

function startWithoutRoom(transaction: RawTransaction, start: () => void): void {
  const hasMore = transaction._requests.some(({ request }) => request.readyState !== 'done')
  if (hasMore || transaction._state === 'finished') start()
  else transaction._abort('QuotaExceededError')
}

/** What is left of a connection whose owner is dead. A transaction runs within one step, so that none is half done. */
function takeAway(connection: RawConnection): void {
  for (const transaction of unfinishedOf(connection)) {
    transaction._requests.length = 0
    transaction._markFinished()
  }
  shut(connection)
  connection._rawDatabase.processTransactions()
}

function terminate(connection: RawConnection): void {
  for (const transaction of unfinishedOf(connection)) transaction._abort('AbortError')
  shut(connection)
  for (const { type, callback } of connection.listeners) if (type === 'close') callback({ type })
}

function shut(connection: RawConnection): void {
  connection._closePending = true
  connection._closed = true
  const raw = connection._rawDatabase
  raw.connections = raw.connections.filter(other => other !== connection)
}

function unfinishedOf(connection: RawConnection): RawTransaction[] {
  const { transactions } = connection._rawDatabase
  return transactions.filter(({ db, _state }) => db === connection && _state !== 'finished')
}

function rawOf(transaction: RawTransaction): RawDatabase {
  return (transaction.db as RawConnection)._rawDatabase
}
