import type { DeadLetter, OutboxEntry } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { mergeNotes, type Note, type NoteMeta } from './merge-notes.ts'

describe('mergeNotes', () => {
  it('shows each note once, the newest first, with the state of its write', () => {
    const notes = mergeNotes({
      copied: [note('a', 1), note('b', 2), note('c', 3), note('d', 4)],
      dead: [dead(write('c', 3))],
      outbox: [write('b', 2), { ...write('d', 4), state: 'sending' }, write('e', 5)],
    })
    expect(notes.map(({ id, state }) => `${id} ${state}`)).toEqual([
      'e waiting',
      'd sending',
      'c refused',
      'b waiting',
      'a saved',
    ])
  })

  it('gives the reason of the server, and what to retry', () => {
    const problem = { type: 'about:blank', title: 'This note is too long', detail: '280 characters fit' }
    const [refused] = mergeNotes({ copied: [], dead: [{ ...dead(write('a', 1)), status: 422, problem }], outbox: [] })
    expect(refused?.refusal).toEqual({
      mutationId: 'write-a',
      kind: 'write',
      reason: 'This note is too long. 280 characters fit.',
    })
  })

  it('gives a reason where the server gave none', () => {
    const [refused] = mergeNotes({ copied: [], dead: [{ ...dead(write('a', 1)), status: 403 }], outbox: [] })
    expect(refused?.refusal?.reason).toBe('The server refused it without saying why. (Status 403.)')
  })

  it('hides what is deleted, whether or not its deletion was delivered', () => {
    const notes = mergeNotes({
      copied: [{ ...note('a', 1), deleted: true }, note('b', 2)],
      dead: [],
      outbox: [write('c', 3), remove('b'), remove('c')],
    })
    expect(notes).toEqual([])
  })

  it('shows a note again when its deletion is refused', () => {
    const notes = mergeNotes({ copied: [{ ...note('a', 1), deleted: true }], dead: [dead(remove('a'))], outbox: [] })
    expect(notes).toMatchObject([{ id: 'a', text: 'text of a', state: 'refused', refusal: { kind: 'delete' } }])
  })

  it('shows a note as waiting again once it is retried', () => {
    const [retried] = mergeNotes({ copied: [], dead: [dead(write('a', 1))], outbox: [write('a', 1)] })
    expect(retried).toEqual({ ...note('a', 1), state: 'waiting' })
  })

  it('leaves writes of others alone', () => {
    const foreign = { ...write('a', 1), meta: undefined }
    expect(mergeNotes({ copied: [], dead: [dead(foreign)], outbox: [foreign] })).toEqual([])
  })
})

function note(id: string, minute: number): Note {
  return { id, text: `text of ${id}`, writtenAt: `2026-11-21T14:0${minute}:00.000Z` }
}

function write(id: string, minute: number): OutboxEntry {
  return entry(`write-${id}`, { noteId: id, kind: 'write' }, note(id, minute))
}

function remove(id: string): OutboxEntry {
  return entry(`delete-${id}`, { noteId: id, kind: 'delete' })
}

function entry(id: string, meta: NoteMeta, json?: unknown): OutboxEntry {
  const body = async () => new Blob()
  const url = 'http://localhost/api/notes'
  return {
    id,
    url,
    method: 'POST',
    priority: 0,
    meta,
    state: 'waiting',
    createdAt: new Date(0),
    attempts: 0,
    json,
    body,
  }
}

function dead(of: OutboxEntry): DeadLetter {
  return { ...of, reason: 'refused', diedAt: new Date(0) }
}
