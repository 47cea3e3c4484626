export { expect, type HoldfastFixtures, holdfastFixtures, test } from './fixtures.ts'
export type { NetworkFixture } from './network.ts'
export type { OutboxFixture } from './outbox.ts'
export type { WorkerFixture } from './worker.ts'
