import { expect, it, vi } from 'vitest'
import { createChannel } from './channel.ts'

it('tells the other contexts of the same name, and this one', async () => {
  const [mine, other, stranger] = [createChannel('a'), createChannel('a'), createChannel('b')]
  const heard: string[] = []
  mine.onMessage(({ type }) => heard.push(`mine ${type}`))
  other.onMessage(({ type }) => heard.push(`other ${type}`))
  stranger.onMessage(({ type }) => heard.push(`stranger ${type}`))
  mine.post('settled', { ids: ['1'] })
  expect(heard).toEqual(['mine settled'])
  await expect.poll(() => heard).toEqual(['mine settled', 'other settled'])
  for (const channel of [mine, other, stranger]) channel.close()
})

it('ignores what is not a message of ours', async () => {
  const channel = createChannel('a')
  const heard: unknown[] = []
  channel.onMessage(message => heard.push(message))
  const foreign = new BroadcastChannel('a')
  foreign.postMessage({ type: 'settled' })
  foreign.postMessage({ holdfast: 1, type: 'settled', ids: ['x'] })
  await expect.poll(() => heard).toEqual([{ holdfast: 1, type: 'settled', ids: ['x'] }])
  foreign.close()
  channel.close()
})

it('is silent after close and unsubscribe', () => {
  const channel = createChannel('a')
  const heard: unknown[] = []
  const end = channel.onMessage(message => heard.push(message))
  end()
  channel.post('settled', { ids: [] })
  channel.onMessage(message => heard.push(message))
  channel.close()
  channel.post('settled', { ids: [] })
  expect(heard).toEqual([])
})

it('serves its own context where there is no BroadcastChannel', () => {
  vi.stubGlobal('BroadcastChannel', undefined)
  const channel = createChannel('a')
  const heard: unknown[] = []
  channel.onMessage(message => heard.push(message))
  channel.post('settled', { ids: ['1'] })
  expect(heard).toHaveLength(1)
  vi.unstubAllGlobals()
})
