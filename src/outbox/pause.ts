import type { Storage } from '../storage/open-storage.ts'

/** The record of `meta` that says that nobody may send: read in each claim, so that it holds for every context. */
export const PAUSED_KEY = 'paused'

/** The record of `meta` that says that a server asked who this is, and that nobody may send before a person has acted. */
export const HELD_KEY = 'held'

export interface HoldRecord {
  /** Milliseconds since the epoch. */
  at: number
  status?: number
}

/** Whether nobody may send, because a person said so or has to act first. */
export async function isStopped(storage: Storage): Promise<boolean> {
  const [paused, held] = await Promise.all([storage.meta.getItem(PAUSED_KEY), storage.meta.getItem(HELD_KEY)])
  return paused !== null || held !== null
}

export async function pause(storage: Storage): Promise<void> {
  await storage.meta.setItem(PAUSED_KEY, true)
}

/** Ends a pause, and a hold. */
export async function resume(storage: Storage): Promise<void> {
  await Promise.all([storage.meta.removeItem(PAUSED_KEY), storage.meta.removeItem(HELD_KEY)])
}
