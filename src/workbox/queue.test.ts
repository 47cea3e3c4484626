import { vi } from 'vitest'
import { forgetQueueNames } from './context.fixture.ts'
import { type QueueModule, queueContract } from './queue.contract.ts'

queueContract('workbox-background-sync', async () => {
  vi.resetModules()
  return (await import('workbox-background-sync')) as unknown as QueueModule
})

queueContract('holdfast/workbox', async () => {
  forgetQueueNames()
  return (await import('./index.ts')) as unknown as QueueModule
})
