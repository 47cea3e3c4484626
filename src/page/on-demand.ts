/**
 * What a page needs only later, or never: looking into the outbox, dead letters, and sending where there is no worker. It
 * is a chunk of its own, so that what every page pays for at its start is the recording of writes.
 */
export { writeCoalescing } from '../outbox/append-coalescing.ts'
export { createDeadLetters } from '../outbox/dead-letters.ts'
export { drainFor } from '../outbox/drain-for.ts'
export { createOutbox } from '../outbox/outbox.ts'
export { browserPlatform } from '../outbox/platform.ts'
export { refuseInput, withRareTerms } from '../outbox/rare-input.ts'
export { readMetrics } from '../outbox/sync-metrics.ts'
export { askWorker } from './ask-worker.ts'
export { startLive } from './live.ts'
export { registerWorker } from './register-worker.ts'
