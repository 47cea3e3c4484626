import type { CopiedNote } from './device-copy.ts'
import { isNote, type Note } from './merge-notes.ts'

/** The server's list, from the network or, where that fails, from the worker's cache. `date`: when the server made it. */
export interface ServerList {
  notes: Note[]
  date: number
}

export async function fetchServerList(): Promise<ServerList | undefined> {
  try {
    const response = await fetch('/api/notes', { cache: 'no-store' })
    const notes: unknown = response.ok ? await response.json() : undefined
    if (!Array.isArray(notes)) return undefined
    return { notes: notes.filter(isNote), date: Date.parse(response.headers.get('date') ?? '') }
  } catch {
    return undefined
  }
}

export interface CopyBefore {
  /** The copy as it was before the list was asked for. */
  copied: readonly CopiedNote[]
  /** Notes with a write in the outbox or among the dead letters at that time: the list knows nothing of those. */
  unsettled: ReadonlySet<string>
}

/**
 * Says how the copy changes by a list of the server. A list out of the cache may be older than what this device has
 * delivered since, so it only adds; a fresh one is the truth about every note that has no write of its own under way.
 */
export function planCopy(
  listed: readonly Note[],
  isFresh: boolean,
  { copied, unsettled }: CopyBefore,
): { put: CopiedNote[]; remove: string[] } {
  const known = new Map(copied.map(note => [note.id, note]))
  const listedIds = new Set(listed.map(({ id }) => id))
  const isRestored = (id: string) => isFresh && known.get(id)?.deleted === true && !unsettled.has(id)
  const isGone = (id: string) => isFresh && !listedIds.has(id) && !unsettled.has(id)
  return {
    put: listed.filter(({ id }) => !known.has(id) || isRestored(id)),
    remove: [...known.keys()].filter(isGone),
  }
}
