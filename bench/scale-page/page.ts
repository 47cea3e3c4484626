import { createHoldfast, type Holdfast, type MutationInput, type Receipt } from 'holdfast'
import { notesOf } from '../in-browser/note.ts'
import { quiet } from '../in-browser/quiet.ts'
import { deleteDatabase } from '../in-browser/raw.ts'
import { timeEach, timeOf } from '../in-browser/time.ts'

/** What the bench calls in the page. Each outbox is named by how many writes wait in it. Every time is in milliseconds. */
export interface ScalePage {
  /** Begins with a paused outbox in which that many wait, written in an earlier visit; the time that recording them took. */
  fill(waiting: number): Promise<number>
  /** `mutate()`, each awaited before the next; the time of each. */
  mutate(waiting: number, count: number): Promise<number[]>
  /** From the end of `cancel()` of one write until `status` shows one less; the time of each. */
  status(waiting: number, count: number): Promise<number[]>
  /** `outbox.count()`; the time of each. */
  count(waiting: number, count: number): Promise<number[]>
  /** Claims, sends and settles that many, which come before all that wait; the time for all of them. */
  deliver(waiting: number, count: number, url: string): Promise<number>
}

declare global {
  interface Window {
    scaleBench: ScalePage
  }
}

/** So many `mutate()` at once; more would only hold more promises. */
const TOGETHER = 5_000

const outboxes = new Map<number, Holdfast>()

async function fill(waiting: number): Promise<number> {
  await outboxes.get(waiting)?.close()
  await deleteDatabase(nameOf(waiting))
  const before = open(waiting)
  await before.pause()
  const took = await timeOf(async () => {
    for (let left = waiting; left > 0; left -= TOGETHER) await record(before, Math.min(left, TOGETHER))
  })
  await before.close()
  const outbox = open(waiting)
  outboxes.set(waiting, outbox)
  await until(outbox, waiting)
  await quiet()
  return took
}

/** Without a worker: there is one for one outbox only, and this page delivers what it is told to. */
function open(waiting: number): Holdfast {
  return createHoldfast({ name: nameOf(waiting), worker: false })
}

function nameOf(waiting: number): string {
  return `waiting-${waiting}`
}

function record(outbox: Holdfast, count: number): Promise<Receipt[]> {
  return Promise.all(inputs(count).map(input => outbox.mutate(input)))
}

function inputs(count: number, options: Partial<MutationInput> = {}): MutationInput[] {
  return notesOf(count).map(json => ({ url: '/api/notes', entity: `note:${json.id}`, json, ...options }))
}

function mutate(waiting: number, count: number): Promise<number[]> {
  const outbox = opened(waiting)
  return timeEach(inputs(count), input => outbox.mutate(input))
}

async function status(waiting: number, count: number): Promise<number[]> {
  const outbox = opened(waiting)
  const receipts = await record(outbox, count)
  let pending = await outbox.outbox.count()
  await until(outbox, pending)
  const times: number[] = []
  for (const receipt of receipts) {
    await receipt.cancel()
    pending -= 1
    times.push(await timeOf(() => until(outbox, pending)))
  }
  return times
}

function until({ status }: Holdfast, pending: number): Promise<void> {
  return new Promise(resolve => {
    const check = () => {
      if (status.get().pending !== pending) return
      unsubscribe()
      resolve()
    }
    const unsubscribe = status.subscribe(check)
    check()
  })
}

async function deliver(waiting: number, count: number, url: string): Promise<number> {
  const outbox = opened(waiting)
  const receipts = await Promise.all(inputs(count, { url, priority: 1 }).map(input => outbox.mutate(input)))
  await quiet()
  const took = await timeOf(async () => {
    await outbox.resume()
    await Promise.all(receipts.map(({ settled }) => settled))
  })
  await outbox.pause()
  await quiet()
  return took
}

function opened(waiting: number): Holdfast {
  const outbox = outboxes.get(waiting)
  if (!outbox) throw new Error('Begin with fill().')
  return outbox
}

window.scaleBench = {
  fill,
  mutate,
  status,
  count: (waiting, count) => timeEach(Array.from({ length: count }), () => opened(waiting).outbox.count()),
  deliver,
}
