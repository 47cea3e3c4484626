export type { CachingRule, CachingStrategy, NavigationFallback } from '../protocol/caching.ts'
export type { PluginOptions, PrecacheOptions } from './options.ts'
export { holdfast } from './plugin.ts'
export type { WorkerLocation } from './worker-location.ts'
