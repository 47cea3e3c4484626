import type { RouteHandlerCallbackOptions } from 'workbox-core/types.js'
import type { Route } from 'workbox-routing/Route.js'
import type { Precache } from '../precache.ts'

/** Where reads are answered. */
export interface ReadPlace {
  /** Of the outbox, and part of the names of caches. */
  name: string
  scope: ServiceWorkerGlobalScope
  precache: Precache
}

/** A part of what answers GET requests: it is called once, while the worker is first evaluated. */
export type ReadPart = (place: ReadPlace) => StartedPart

export interface StartedPart {
  routes?: Route[]
  /** What is to stay at the next activation; other caches of this worker are deleted. */
  cacheNames?: string[]
  /** What stands in where a route has failed; nothing where this part has nothing for it. */
  standIn?(options: RouteHandlerCallbackOptions): Promise<Response | undefined>
}
