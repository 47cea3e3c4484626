import { createHoldfast, type Holdfast, type MutationInput } from 'holdfast'
import { type Note, noteOf, notesOf } from '../in-browser/note.ts'
import { quiet } from '../in-browser/quiet.ts'
import { answerOf, deleteDatabase, openDatabase, openRaw, type Raw, type RawRecord } from '../in-browser/raw.ts'
import { timeEach, timeOf } from '../in-browser/time.ts'

/** What the bench calls in the page. Every time is in milliseconds. */
export interface EnqueuePage {
  /** Begins with an empty outbox, and no connection to the raw database. */
  freshOutbox(): Promise<void>
  /** Begins with an empty raw database, and no outbox in this page. */
  freshRaw(): Promise<void>
  /** `mutate()`, each awaited before the next; the time of each. */
  mutateEach(count: number): Promise<number[]>
  /** `mutate()`, all called before the first is awaited; the time until the last has resolved. */
  mutateTogether(count: number): Promise<number>
  /** A raw transaction with one `put`, each awaited before the next; the time of each. */
  putEach(count: number, durability: IDBTransactionDurability): Promise<number[]>
  /** The same, all begun before the first is awaited; the time until the last is complete. */
  putTogether(count: number, durability: IDBTransactionDurability): Promise<number>
  /** One raw transaction with all the `put`s; the time until it is complete. */
  putInOne(count: number, durability: IDBTransactionDurability): Promise<number>
  /** `hf.outbox.list()`. */
  list(): Promise<number>
  /** `hf.outbox.count()`. */
  count(): Promise<number>
  /** One `getAll()` on the store of the outbox. */
  getAll(): Promise<number>
  /** One `count()` on the store of the outbox. */
  rawCount(): Promise<number>
}

declare global {
  interface Window {
    bench: EnqueuePage
  }
}

const OUTBOX = 'holdfast'
const RAW = 'raw'

let hf: Holdfast | undefined
let raw: Raw | undefined
let reader: IDBDatabase | undefined
/** A record as the outbox stores it, so that raw writes the same. */
let template: Record<string, unknown> | undefined

async function reset(): Promise<void> {
  await hf?.close()
  raw?.close()
  reader?.close()
  await deleteDatabase(OUTBOX)
  await deleteDatabase(RAW)
  hf = raw = reader = undefined
}

async function freshOutbox(): Promise<void> {
  await reset()
  hf = createHoldfast()
  // The first one opens the database and starts the worker.
  await hf.mutate(toInput(noteOf(0)))
  reader = await openDatabase(OUTBOX)
  const [first] = await answerOf(mutations(reader).getAll())
  template = first
  await quiet()
}

async function freshRaw(): Promise<void> {
  if (!template) await freshOutbox()
  await reset()
  raw = await openRaw(RAW)
  await putEach(1, 'strict')
  await quiet()
}

async function mutateEach(count: number): Promise<number[]> {
  const outbox = opened(hf)
  return timeEach(notes(count), input => outbox.mutate(input))
}

async function mutateTogether(count: number): Promise<number> {
  const outbox = opened(hf)
  const inputs = notes(count)
  return timeOf(() => Promise.all(inputs.map(input => outbox.mutate(input))))
}

async function putEach(count: number, durability: IDBTransactionDurability): Promise<number[]> {
  const database = opened(raw)
  return timeEach(records(count), record => database.put(record, durability))
}

async function putTogether(count: number, durability: IDBTransactionDurability): Promise<number> {
  const database = opened(raw)
  const all = records(count)
  return timeOf(() => Promise.all(all.map(record => database.put(record, durability))))
}

async function putInOne(count: number, durability: IDBTransactionDurability): Promise<number> {
  const database = opened(raw)
  const all = records(count)
  return timeOf(() => database.putAll(all, durability))
}

function notes(count: number): MutationInput[] {
  return notesOf(count).map(toInput)
}

function toInput(note: Note): MutationInput {
  return { url: '/api/notes', entity: `note:${note.id}`, json: note }
}

function records(count: number): RawRecord[] {
  return Array.from({ length: count }, (_, index) => {
    const id = crypto.randomUUID()
    const key = `10000.${String(index + 1).padStart(16, '0')}.${id}`
    return { key, value: { ...template, id, key } }
  })
}

function mutations(database: IDBDatabase): IDBObjectStore {
  return database.transaction('mutations').objectStore('mutations')
}

function opened<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('Begin with freshOutbox() or freshRaw().')
  return value
}

window.bench = {
  freshOutbox,
  freshRaw,
  mutateEach,
  mutateTogether,
  putEach,
  putTogether,
  putInOne,
  list: () => timeOf(() => opened(hf).outbox.list()),
  count: () => timeOf(() => opened(hf).outbox.count()),
  getAll: () => timeOf(() => answerOf(mutations(opened(reader)).getAll())),
  rawCount: () => timeOf(() => answerOf(mutations(opened(reader)).count())),
}
