import type { Note } from '../in-browser/note.ts'

/** One way to queue writes and deliver them. */
export interface Contender {
  /** Stores the notes, each to be posted to that address. Nothing is sent yet. */
  fill(notes: Note[], url: string): Promise<void>
  /** Sends all of them; resolves when each is answered and removed. */
  drain(): Promise<void>
}

/** Those that live in the service worker and are called by message. Ours has its own way there. */
export type WorkerContender = 'byHand' | 'byHandInBatches' | 'workbox' | 'tanstack'

/** From the page to the worker; the answer goes to the port that comes along: nothing, or what went wrong. */
export type Call =
  | { contender: WorkerContender; step: 'fill'; notes: Note[]; url: string }
  | { contender: WorkerContender; step: 'drain' }

/** As the outbox sends it: JSON with a key that is the same on every attempt (the draft's form, in quotes). */
export function postOf(note: Note, key: string): RequestInit & { body: string } {
  const headers = { 'content-type': 'application/json', 'idempotency-key': `"${key}"` }
  return { method: 'POST', headers, body: JSON.stringify(note), cache: 'no-store' }
}
