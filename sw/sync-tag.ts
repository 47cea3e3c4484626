import type { Channel } from '../src/tabs/channel.ts'

interface SyncManager {
  register(tag: string): Promise<void>
}

/** Tags in use at once, at most. */
const TAGS = 10

/**
 * Makes the function by which a worker asks the browser to come again, with every tab closed too, where the engine has
 * Background Sync. Chromium does not bring a tag forward that waits for its retry: where a drain has left something
 * behind, the next one is a fresh tag. Never rejects: the tag is one of several triggers.
 */
export function createTagRegistration(
  registration: ServiceWorkerRegistration,
  prefix: string,
  channel: Channel,
): () => Promise<void> {
  let number = 0
  let isBehind = false
  channel.onMessage(message => {
    if (message.type === 'drained') isBehind = message.remaining > 0
  })
  return async () => {
    if (isBehind) number += 1
    isBehind = false
    const { sync } = registration as { sync?: SyncManager }
    await sync?.register(prefix + (number % TAGS)).catch(() => undefined)
  }
}
