import type { Storage } from '../storage/open-storage.ts'

/** The record of `meta` that says that nobody may send: read in each claim, so that it holds for every context. */
export const PAUSED_KEY = 'paused'

export async function isPaused(storage: Storage): Promise<boolean> {
  return (await storage.meta.getItem(PAUSED_KEY)) === true
}

export async function setPaused(storage: Storage, paused: boolean): Promise<void> {
  if (paused) await storage.meta.setItem(PAUSED_KEY, true)
  else await storage.meta.removeItem(PAUSED_KEY)
}
