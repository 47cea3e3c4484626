import type { DeadLetter, OutboxEntry } from 'holdfast'
import type { CopiedNote } from './device-copy.ts'

/** A note as the server knows it. The id is made by the device that wrote it; `writtenAt` is an ISO date. */
export interface Note {
  id: string
  text: string
  writtenAt: string
}

/** What a write of this app puts into `meta`, so that it finds its note again. */
export interface NoteMeta extends Record<string, unknown> {
  noteId: string
  kind: 'write' | 'delete'
}

/**
 * A note on the screen. `waiting`: recorded on this device. `sending`: on its way. `saved`: on the server. `refused`: a
 * write that the server would not take, for a person to decide about.
 */
export interface ShownNote extends Note {
  state: 'waiting' | 'sending' | 'saved' | 'refused'
  /** The dead letter of a refused note. */
  refusal?: { mutationId: string; kind: NoteMeta['kind']; reason: string }
}

/** Where this device knows of notes. */
export interface Sources {
  copied: readonly CopiedNote[]
  dead: readonly DeadLetter[]
  outbox: readonly OutboxEntry[]
}

/** Makes one list of them, the newest first: what waits or was refused comes before what is known to be saved. */
export function mergeNotes({ copied, dead, outbox }: Sources): ShownNote[] {
  const shown = new Map<string, ShownNote>()
  for (const { deleted, ...note } of copied) if (!deleted) shown.set(note.id, { ...note, state: 'saved' })
  for (const letter of dead) {
    const note = noteOf(letter) ?? copied.find(({ id }) => id === metaOf(letter)?.noteId)
    if (note) shown.set(note.id, refused(note, letter))
  }
  for (const entry of outbox) {
    const note = noteOf(entry)
    if (note) shown.set(note.id, { ...note, state: entry.state === 'sending' ? 'sending' : 'waiting' })
    else shown.delete(metaOf(entry)?.noteId ?? '')
  }
  return [...shown.values()].sort((a, b) => b.writtenAt.localeCompare(a.writtenAt))
}

/** The `meta` of a write of this app. */
export function metaOf({ meta }: OutboxEntry): NoteMeta | undefined {
  if (typeof meta?.noteId !== 'string' || (meta.kind !== 'write' && meta.kind !== 'delete')) return undefined
  return { noteId: meta.noteId, kind: meta.kind }
}

/** The note that an entry writes; undefined for a deletion. */
export function noteOf(entry: OutboxEntry): Note | undefined {
  return metaOf(entry)?.kind === 'write' && isNote(entry.json) ? entry.json : undefined
}

export function isNote(value: unknown): value is Note {
  if (typeof value !== 'object' || value === null) return false
  const { id, text, writtenAt } = value as Partial<Record<keyof Note, unknown>>
  return typeof id === 'string' && typeof text === 'string' && typeof writtenAt === 'string'
}

function refused({ id, text, writtenAt }: Note, letter: DeadLetter): ShownNote {
  const kind = metaOf(letter)?.kind ?? 'write'
  return { id, text, writtenAt, state: 'refused', refusal: { mutationId: letter.id, kind, reason: reasonOf(letter) } }
}

const REASONS: Record<DeadLetter['reason'], string> = {
  conflict: 'It does not fit what the server has.',
  refused: 'The server refused it without saying why.',
  'attempts-exhausted': 'The server could not take it, however often it was asked.',
  expired: 'It waited for too long to be sent.',
  'reference-lost': 'What it refers to is not there',
  'body-lost': 'Its text is not on this device any more.',
}

function reasonOf({ reason, problem, status }: DeadLetter): string {
  const said = [problem?.title, problem?.detail].filter(text => text !== undefined)
  if (said.length > 0) return said.map(text => (/[.!?]$/.test(text) ? text : `${text}.`)).join(' ')
  return status === undefined ? REASONS[reason] : `${REASONS[reason]} (Status ${status}.)`
}
