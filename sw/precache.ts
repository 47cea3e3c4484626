import { PrecacheController } from 'workbox-precaching/PrecacheController.js'
import { createPrecacheCleaner } from './precache-clean-up.ts'
import { installPrecache } from './precache-install.ts'
import { createRetiredFiles, type FindRetired } from './precache-retired.ts'

/** One file of the precache. */
export interface PrecacheEntry {
  /** Relative to the worker's own address, or absolute. */
  url: string
  /** Changes with the content; null where the address itself does (hashed file names). */
  revision: string | null
  /**
   * Scripts that this page must name, for it to be the page of this version: an answer that lacks one is not stored. A
   * server may already, or still, give another version's page under the same address.
   */
  scripts?: string[]
}

/** The files that are stored at install, and the one place that knows their cache. */
export interface Precache {
  controller: PrecacheController
  /** Stores what is not stored yet. Rejects when something is missing in the end: then the version before stays. */
  install(event: ExtendableEvent): Promise<void>
  /**
   * When this version has taken over: deletes what neither it nor the version just before it uses, and caches of this scope
   * that are neither its own nor among those that are kept.
   */
  cleanUp(kept: readonly string[]): Promise<void>
  /** Looks for a file of the version before, which the server may have no more. */
  findRetired: FindRetired
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
  const cacheName = `${PREFIX}precache:v1:${name}:${scope.registration.scope}`
  const controller = new PrecacheController({ cacheName })
  controller.addToCacheList([...manifest])
  // A file is stored once, whatever `Vary` says: an image that a page asks for has other headers than the same at install.
  controller.strategy.matchOptions = { ignoreVary: true }
  const cleaner = createPrecacheCleaner(scope, cacheName, [...controller.getURLsToCacheKeys().values()])
  return {
    controller,
    install: event => installPrecache(event, controller, manifest, cleaner),
    async cleanUp(kept) {
      await cleaner.activated()
      await deleteOthers(scope, [cacheName, ...kept])
    },
    findRetired: createRetiredFiles(scope, cacheName, controller.getURLsToCacheKeys()),
  }
}

const PREFIX = 'holdfast:'

/** A scope has one worker: whatever else ends in this scope belongs to a former version of it. */
async function deleteOthers(scope: ServiceWorkerGlobalScope, kept: readonly string[]): Promise<void> {
  const names = await scope.caches.keys()
  const suffix = `:${scope.registration.scope}`
  const outdated = names.filter(name => name.startsWith(PREFIX) && name.endsWith(suffix) && !kept.includes(name))
  await Promise.all(outdated.map(name => scope.caches.delete(name)))
}
