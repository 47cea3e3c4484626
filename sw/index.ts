export type {
  AuthProvider,
  AuthRequest,
  CapturedWrite,
  CaptureHandler,
  CaptureTerms,
  Handlers,
} from '../src/outbox/handlers.ts'
export type { Judge } from '../src/outbox/own-judge.ts'
export type { CachingRule, CachingStrategy, NavigationFallback } from '../src/protocol/caching.ts'
export type { CaptureRule, CaptureRules } from '../src/protocol/capture.ts'
export type { PrecacheEntry } from './precache.ts'
export type { HoldfastWorker } from './run.ts'
export { startHoldfast, type WorkerOptions } from './start.ts'
export type { SyncEvent } from './sync-event.ts'
