import type { PrecacheController } from 'workbox-precaching/PrecacheController.js'
import type { PrecacheEntry } from './precache.ts'
import { createAnswerCheck } from './precache-answers.ts'
import type { PrecacheCleaner } from './precache-clean-up.ts'

/** As many as a browser opens connections to one server over HTTP/1.1. */
const AT_ONCE = 6

/**
 * Stores each file that is not stored yet, several at a time: Workbox's own way is one after the other, which is a round
 * trip of waiting for each. One failure does not stop the others: what they store, the next attempt finds. Only on a full
 * device all that the attempts have stored is given back, because the outbox needs the room more.
 */
export async function installPrecache(
  event: ExtendableEvent,
  controller: PrecacheController,
  manifest: readonly (PrecacheEntry | string)[],
  cleaner: PrecacheCleaner,
): Promise<void> {
  const { strategy } = controller
  strategy.plugins.push(createAnswerCheck(manifest))
  // One iterator for all: each takes the next file, and one that throws does not end it.
  const files = controller.getURLsToCacheKeys().entries()
  const lane = async () => {
    for (const [url, cacheKey] of files) {
      const cache = url === cacheKey ? 'default' : 'reload'
      const integrity = controller.getIntegrityForCacheKey(cacheKey)
      const request = new Request(url, { integrity, cache, credentials: 'same-origin' })
      await Promise.all(strategy.handleAll({ params: { cacheKey }, request, event }))
    }
  }
  const lanes = Array.from({ length: AT_ONCE }, lane)
  await Promise.allSettled(lanes)
  try {
    await Promise.all(lanes)
    await cleaner.installed()
  } catch (error) {
    if ((error as Error).name === 'QuotaExceededError') await cleaner.giveBack()
    throw error
  }
}
