import { expect, it } from 'vitest'
import { createChannel } from '../src/tabs/channel.ts'
import { createTagRegistration } from './sync-tag.ts'

function setUp(sync?: { register(tag: string): Promise<void> }) {
  const channel = createChannel(crypto.randomUUID())
  const register = createTagRegistration({ sync } as unknown as ServiceWorkerRegistration, 'notes:drain:', channel)
  return { channel, register }
}

it('takes a fresh tag where a drain has left something behind', async () => {
  const tags: string[] = []
  const { channel, register } = setUp({ register: async tag => void tags.push(tag) })
  await register()
  channel.post('drained', { synced: 1, failed: 0, remaining: 0 })
  await register()
  channel.post('drained', { synced: 0, failed: 0, remaining: 1 })
  await register()
  await register()
  expect(tags).toEqual(['notes:drain:0', 'notes:drain:0', 'notes:drain:1', 'notes:drain:1'])
  channel.close()
})

it('does without where the engine has none, or refuses', async () => {
  for (const sync of [undefined, { register: () => Promise.reject(new Error('no permission')) }]) {
    const { channel, register } = setUp(sync)
    await expect(register()).resolves.toBeUndefined()
    channel.close()
  }
})
