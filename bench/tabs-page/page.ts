import { noteOf } from '../in-browser/note.ts'
import { quiet } from '../in-browser/quiet.ts'
import { timeOf } from '../in-browser/time.ts'
import { clock } from './clock.ts'
import { CONTENDERS, type ContenderName } from './contenders.ts'
import { openHoldfast } from './outbox.ts'
import { type Seen, WRITERS, type Writer, type WriterName, type Written } from './writers.ts'

/** Whether a tab ever led, and whether it does now. */
export interface Leading {
  ever: boolean
  now: boolean
}

/** What the bench calls in each tab. A moment is by the clock that all tabs and Node share; a time is in milliseconds. */
export interface TabsPage {
  clock(): number
  /** Takes part in the election from that moment on, or from now where it is over; the moment when it did. */
  stand(name: ContenderName, at: number): Promise<number>
  /** Resolves with the moment when this tab first led. */
  ledAt(name: ContenderName): Promise<number>
  leading(name: ContenderName): Leading
  /** Gets ready to write and to look out. */
  prepare(name: WriterName): Promise<void>
  write(name: WriterName): Promise<Written>
  /** Begins to look out for the next write. */
  lookOut(name: WriterName): void
  /** What was seen of it. */
  seen(name: WriterName): Promise<Seen>
  /** Starts the outbox, and resolves when it can deliver. */
  startSending(): Promise<void>
  /** `mutate()`: the time until it resolves, and until `settled` does. */
  deliver(url: string): Promise<{ stored: number; settled: number }>
  /** `fetch()` of the same request: the time until its answer is read. */
  fetch(url: string): Promise<number>
  /** Until no context drains. */
  quiet(): Promise<void>
}

declare global {
  interface Window {
    tabsBench: TabsPage
  }
}

interface Candidacy {
  ledAt: Promise<number>
  leading: () => Leading
}

const candidacies = new Map<ContenderName, Candidacy>()
const writers = new Map<WriterName, Writer>()
const lookouts = new Map<WriterName, Promise<Seen>>()

async function stand(name: ContenderName, at: number): Promise<number> {
  await new Promise(resolve => setTimeout(resolve, Math.max(0, at - clock())))
  const stoodAt = clock()
  let ever = false
  let leads = () => false
  const ledAt = new Promise<number>(resolve => {
    leads = CONTENDERS[name](() => {
      ever = true
      resolve(clock())
    })
  })
  candidacies.set(name, { ledAt, leading: () => ({ ever, now: leads() }) })
  return stoodAt
}

async function startSending(): Promise<void> {
  await navigator.serviceWorker.ready
  // A pause is durable: it may be from another tab.
  await openHoldfast().resume()
  await quiet()
}

async function deliver(url: string): Promise<{ stored: number; settled: number }> {
  const json = noteOf(0)
  const startedAt = performance.now()
  const receipt = await openHoldfast().mutate({ url, entity: `note:${json.id}`, json })
  const stored = performance.now() - startedAt
  const { kind } = await receipt.settled
  if (kind !== 'confirmed') throw new Error(`A write ended as ${kind}.`)
  return { stored, settled: performance.now() - startedAt }
}

function post(url: string): Promise<number> {
  const body = JSON.stringify(noteOf(0))
  const headers = { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() }
  return timeOf(async () => (await fetch(url, { method: 'POST', headers, body })).json())
}

async function write(name: WriterName): Promise<Written> {
  const calledAt = clock()
  await found(writers, name).write()
  return { calledAt, storedAt: clock() }
}

function found<K, V>(map: Map<K, V>, key: K): V {
  const value = map.get(key)
  if (value === undefined) throw new Error(`Prepare ${String(key)} first.`)
  return value
}

window.tabsBench = {
  clock,
  stand,
  ledAt: name => found(candidacies, name).ledAt,
  leading: name => found(candidacies, name).leading(),
  async prepare(name) {
    writers.set(name, await WRITERS[name]())
  },
  write,
  lookOut: name => void lookouts.set(name, found(writers, name).next()),
  seen: name => found(lookouts, name),
  startSending,
  deliver,
  fetch: post,
  quiet,
}
