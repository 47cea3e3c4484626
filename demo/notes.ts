import type { DeadLetter, Holdfast, OutboxEntry } from 'holdfast'
import type { CopiedNote, DeviceCopy } from './device-copy.ts'
import { mergeNotes, metaOf, type Note, type NoteMeta, noteOf, type ShownNote } from './merge-notes.ts'
import { createOneAtATime } from './one-at-a-time.ts'
import { planCopy, type ServerList } from './server-list.ts'

export interface Notes {
  /** Reads what is on this device, shows it, and asks the server for its list. Resolves when the device is read. */
  start(): Promise<void>
  /** Resolves when the note is durable on this device; rejects with a `HoldfastError`, and then nothing is stored. */
  add(text: string): Promise<void>
  remove(note: ShownNote): Promise<void>
  /** Sends a refused write again. */
  retry(note: ShownNote): Promise<void>
  /** Gives a refused write up: a refused note goes, a refused deletion leaves its note. */
  discard(note: ShownNote): Promise<void>
  /** Asks the server for its list again. */
  refresh(): Promise<void>
}

export interface NotesPorts {
  hf: Holdfast
  copy: DeviceCopy
  fetchList: () => Promise<ServerList | undefined>
  isOnline: () => boolean
  show: (view: NotesView) => void
}

export interface NotesView {
  notes: ShownNote[]
  /** Whether what waits is new notes only, and no deletion. */
  onlyNotesWait: boolean
  /** False where this device keeps nothing: what is shown then comes from the server. */
  hasStorage: boolean
}

/** Notes are written to this device first; the outbox takes each of them to the server, in the order of writing. */
export function createNotes({ hf, copy, fetchList, isOnline, show }: NotesPorts): Notes {
  let waiting = new Set<string>()
  let lastListed: Note[] = []

  const look = createOneAtATime(async () => {
    const local = await readDevice(hf, copy)
    show(viewOf(local, lastListed))
    if (!local.isRead) return
    const before = waiting
    waiting = new Set(local.outbox.map(({ id }) => id))
    // Something was delivered, here or by the worker: the server's list has changed.
    if ([...before].some(id => !waiting.has(id))) void refresh()
  })

  const refresh = createOneAtATime(async () => {
    const before = await readDevice(hf, copy)
    const list = await fetchList()
    if (!list) return
    lastListed = list.notes
    if (before.copied && before.isRead) {
      await takeOver(list, before.copied, [...before.dead, ...before.outbox]).catch(() => undefined)
    }
    await look()
  })

  async function takeOver(list: ServerList, copied: CopiedNote[], writes: OutboxEntry[]): Promise<void> {
    // An answer out of the cache has the date of a list that was taken over before.
    const isFresh = isOnline() && list.date > (await copy.listDate())
    const unsettled = new Set(writes.map(entry => metaOf(entry)?.noteId ?? ''))
    const { put, remove } = planCopy(list.notes, isFresh, { copied, unsettled })
    await Promise.all([copy.put(put), copy.remove(remove)])
    if (isFresh) await copy.setListDate(list.date)
  }

  /** A tab may have been closed between the outbox and the copy. */
  async function adoptWaiting(): Promise<void> {
    const { copied, outbox } = await readDevice(hf, copy)
    const known = new Set(copied?.map(({ id }) => id))
    const notes = outbox.map(noteOf).filter(note => note !== undefined)
    await copy.put(notes.filter(({ id }) => !known.has(id))).catch(() => undefined)
  }

  const record = (kind: NoteMeta['kind'], note: Note) =>
    hf.mutate({
      ...(kind === 'write'
        ? { url: '/api/notes', json: note }
        : { url: `/api/notes/${note.id}`, method: 'DELETE' as const }),
      entity: 'notes',
      meta: { noteId: note.id, kind } satisfies NoteMeta,
    })

  return {
    async start() {
      hf.outbox.subscribe(() => void look())
      await adoptWaiting()
      await look()
      void refresh()
    },

    async add(text) {
      const note = { id: crypto.randomUUID(), text, writtenAt: new Date().toISOString() }
      await record('write', note)
      // Without the copy the note is safe as well; the server's list will bring it.
      await copy.put([note]).catch(() => undefined)
      await look()
    },

    async remove({ id, text, writtenAt }) {
      const note = { id, text, writtenAt }
      await copy.put([{ ...note, deleted: true }])
      try {
        if (!(await cancelUnsent(hf, id))) await record('delete', note)
      } catch (error) {
        await copy.put([note])
        throw error
      }
      await look()
    },

    async retry({ refusal }) {
      if (refusal) await hf.deadLetters.retry(refusal.mutationId)
      await look()
    },

    async discard({ id, text, writtenAt, refusal }) {
      if (!refusal) return
      if (refusal.kind === 'delete') await copy.put([{ id, text, writtenAt }])
      else await copy.remove([id])
      await hf.deadLetters.discard(refusal.mutationId)
      await look()
    },

    refresh,
  }
}

interface Device {
  /** Undefined where the copy cannot be read. */
  copied: CopiedNote[] | undefined
  dead: DeadLetter[]
  outbox: OutboxEntry[]
  /** False where the outbox cannot be read: what waits is then unknown, which is not the same as nothing. */
  isRead: boolean
}

/**
 * Reads the copy before the outbox, so that a note in the copy alone is one that was delivered; and the dead letters on
 * both sides of the outbox, so that a write that moves from one to the other meanwhile is seen in one of them.
 */
async function readDevice({ outbox, deadLetters }: Holdfast, copy: DeviceCopy): Promise<Device> {
  const copied = await copy.all().catch(() => undefined)
  try {
    const deadBefore = await deadLetters.list()
    const waiting = await outbox.list({ entity: 'notes' })
    const deadAfter = await deadLetters.list()
    const later = new Set(deadAfter.map(({ id }) => id))
    const inQueue = new Set(waiting.map(({ id }) => id))
    const left = deadBefore.filter(({ id }) => !later.has(id) && !inQueue.has(id))
    return { copied, dead: [...left, ...deadAfter], outbox: waiting.filter(({ id }) => !later.has(id)), isRead: true }
  } catch {
    // The status line tells that storage is unavailable; what the server has can be shown all the same.
    return { copied, dead: [], outbox: [], isRead: false }
  }
}

function viewOf({ copied, dead, outbox, isRead }: Device, listed: Note[]): NotesView {
  return {
    notes: mergeNotes({ copied: copied ?? listed, dead, outbox }),
    onlyNotesWait: outbox.every(entry => metaOf(entry)?.kind === 'write'),
    hasStorage: copied !== undefined && isRead,
  }
}

/** Takes a note back that no attempt has been made for. After an attempt only the server can say what it has. */
async function cancelUnsent({ outbox }: Holdfast, noteId: string): Promise<boolean> {
  const entries = await outbox.list({ entity: 'notes' })
  const write = entries.find(entry => noteOf(entry)?.id === noteId)
  const isUnsent = write?.state === 'waiting' && write.attempts === 0 && !write.lastError
  return isUnsent && outbox.cancel(write.id)
}
