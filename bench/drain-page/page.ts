import { createHoldfast, type Holdfast, type HoldfastOptions } from 'holdfast'
import { notesOf } from '../in-browser/note.ts'
import { quiet } from '../in-browser/quiet.ts'
import { deleteDatabase } from '../in-browser/raw.ts'
import { timeOf } from '../in-browser/time.ts'
import { BATCH_SIZE } from './batch-size.ts'
import type { Call, WorkerContender } from './contender.ts'

/** What the bench calls in the page. Every time is in milliseconds. */
export interface DrainPage {
  /** Whether this build has that contender. */
  isAvailable(name: ContenderName): boolean
  /** Queues that many notes, to be posted to that address. */
  fill(name: ContenderName, count: number, url: string): Promise<void>
  /** Delivers them; the time until the last is answered and removed. */
  drain(name: ContenderName): Promise<number>
}

export type ContenderName = 'ours' | 'oursInBatches' | WorkerContender

declare global {
  interface Window {
    drainBench: DrainPage
  }
}

const OUTBOX = 'holdfast'
const OPTIONS: Record<string, HoldfastOptions & { pace?: { endpoint: string; batchSize: number } }> = {
  ours: {},
  oursInBatches: { pace: { endpoint: '/api/batch', batchSize: BATCH_SIZE } },
}

let hf: Holdfast | undefined

function isAvailable(name: ContenderName): boolean {
  const options = OPTIONS[name]
  if (!options) return true
  try {
    void createHoldfast(options).close()
    return true
  } catch {
    return false
  }
}

async function fill(name: ContenderName, count: number, url: string): Promise<void> {
  await hf?.close()
  hf = undefined
  const options = OPTIONS[name]
  if (options) await fillOurs(options, count, url)
  else await callWorker({ contender: name as WorkerContender, step: 'fill', notes: notesOf(count), url })
  await quiet()
}

/** Written in a visit that is over by then, so that the queue is all that the next one finds. */
async function fillOurs(options: HoldfastOptions, count: number, url: string): Promise<void> {
  await deleteDatabase(OUTBOX)
  const before = createHoldfast(options)
  await before.pause()
  await Promise.all(notesOf(count).map(json => before.mutate({ url, entity: `note:${json.id}`, json })))
  await quiet()
  await before.close()
  hf = createHoldfast(options)
}

function drain(name: ContenderName): Promise<number> {
  return timeOf(() => (hf ? drainOurs(hf) : callWorker({ contender: name as WorkerContender, step: 'drain' })))
}

async function drainOurs(outbox: Holdfast): Promise<void> {
  await outbox.resume()
  // The answer of the worker comes after 20 s at the latest, whether all is delivered or not.
  while ((await outbox.sync()).remaining > 0);
}

async function callWorker(call: Call): Promise<void> {
  const { active } = await navigator.serviceWorker.ready
  const { port1, port2 } = new MessageChannel()
  const answered = new Promise<string | undefined>(resolve => {
    port1.onmessage = ({ data }) => resolve(data)
  })
  active?.postMessage(call, [port2])
  const error = await answered
  port1.close()
  if (error) throw new Error(`${call.contender}: ${error}`)
}

window.drainBench = { isAvailable, fill, drain }
