import assert from 'node:assert/strict'
import type { Note, NotesServer } from './notes-server.ts'
import { until } from './until.ts'

/** Five notes of two entities. */
export const FIVE_NOTES: readonly Note[] = ['tide', 'birds', 'tide', 'birds', 'tide'].map((entity, index) => ({
  entity,
  text: `Note ${index + 1}`,
}))

/** Resolves when the server has the notes, with how long that took in milliseconds. Each once, and in order per entity. */
export async function delivered(server: NotesServer, notes: readonly Note[], withinMs = 30_000): Promise<number> {
  const tookMs = await until('the server has every note', () => server.notes.length >= notes.length, { withinMs })
  for (const entity of new Set(notes.map(note => note.entity))) {
    assert.deepEqual(textsOf(server.notes, entity), textsOf(notes, entity), `the notes of ${entity}`)
  }
  return tookMs
}

function textsOf(notes: readonly Note[], wanted: string): string[] {
  return notes.filter(({ entity }) => entity === wanted).map(({ text }) => text)
}

/** Each note came in one request only. */
export function assertNoneTwice({ arrivals }: NotesServer): void {
  const texts = arrivals.map(({ text }) => text)
  assert.deepEqual(texts, [...new Set(texts)])
}

/** The worker has sent them all, and no page. */
export function assertFromWorker({ arrivals }: NotesServer): void {
  for (const { sender } of arrivals) assert.match(sender, /\/sw\.js$/)
}
