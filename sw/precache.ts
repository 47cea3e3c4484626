import { PrecacheController } from 'workbox-precaching/PrecacheController.js'

/** One file of the precache. */
export interface PrecacheEntry {
  /** Relative to the worker's own address, or absolute. */
  url: string
  /** Changes with the content; null where the address itself does (hashed file names). */
  revision: string | null
}

/** The files that are stored at install, and the one place that knows their cache. */
export interface Precache {
  controller: PrecacheController
  /** Deletes precaches that an earlier layout or name of this app's worker has left behind. */
  cleanUp(): Promise<void>
}

/**
 * Sets up the precache of one app. The cache's name holds the app's name and the worker's scope, so that two apps of one
 * origin never empty each other's cache.
 */
export function createPrecache(
  scope: ServiceWorkerGlobalScope,
  name: string,
  manifest: readonly (PrecacheEntry | string)[],
): Precache {
  const cacheName = `${PREFIX}v1:${name}:${scope.registration.scope}`
  const controller = new PrecacheController({ cacheName })
  controller.addToCacheList([...manifest])
  return { controller, cleanUp: () => deleteOthers(scope, cacheName) }
}

const PREFIX = 'holdfast:precache:'

/** A scope has one worker: whatever else ends in this scope belongs to a former version of it. */
async function deleteOthers(scope: ServiceWorkerGlobalScope, current: string): Promise<void> {
  const names = await scope.caches.keys()
  const suffix = `:${scope.registration.scope}`
  const outdated = names.filter(name => name.startsWith(PREFIX) && name.endsWith(suffix) && name !== current)
  await Promise.all(outdated.map(name => scope.caches.delete(name)))
}
