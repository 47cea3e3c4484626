export { type Adoption, type AdoptOptions, adoptWorkboxQueue, type LeftBehind } from './adopt-workbox-queue.ts'
export { BackgroundSyncPlugin } from './background-sync-plugin.ts'
export { Queue, type QueueOptions } from './queue.ts'
export type { QueueEntry } from './queue-entry.ts'
