import localforage from 'localforage'
import type { Note } from './merge-notes.ts'

/** A note on this device. A deleted one stays as a tombstone until the server's list confirms that it is gone. */
export interface CopiedNote extends Note {
  deleted?: true
}

/** This device's own copy of the notes: what the app shows before, and without, an answer of the server. */
export interface DeviceCopy {
  all(): Promise<CopiedNote[]>
  put(notes: readonly CopiedNote[]): Promise<void>
  remove(ids: readonly string[]): Promise<void>
  /** The `Date` of the newest list that went into the copy, in milliseconds; 0 before the first. */
  listDate(): Promise<number>
  setListDate(date: number): Promise<void>
}

/** The outbox forgets a write when it is delivered, maybe with no tab open; the note itself is kept here. */
export function openDeviceCopy(): DeviceCopy {
  const store = localforage.createInstance({ name: 'field-notes', driver: localforage.INDEXEDDB })
  return {
    async all() {
      const notes: CopiedNote[] = []
      await store.iterate<unknown, void>((value, key) => {
        if (key.startsWith(NOTE)) notes.push(value as CopiedNote)
      })
      return notes
    },
    async put(notes) {
      await Promise.all(notes.map(note => store.setItem(NOTE + note.id, note)))
    },
    async remove(ids) {
      await Promise.all(ids.map(id => store.removeItem(NOTE + id)))
    },
    listDate: async () => (await store.getItem<number>(LIST_DATE)) ?? 0,
    async setListDate(date) {
      await store.setItem(LIST_DATE, date)
    },
  }
}

const NOTE = 'note:'
const LIST_DATE = 'list-date'
