/**
 * What a page needs only later, or never: looking into the outbox, dead letters, electing a leader, watching the network,
 * and sending where there is no worker. It is a chunk of its own, so that what every page pays for at its start is the
 * recording of writes.
 */
export { registerWorker } from './register-worker.ts'
export { createRest } from './rest.ts'
