export type { CachingRule, CachingStrategy, NavigationFallback } from '../src/protocol/caching.ts'
export type { PrecacheEntry } from './precache.ts'
export { type HoldfastWorker, startHoldfast, type WorkerOptions } from './start.ts'
export type { SyncEvent } from './sync-event.ts'
