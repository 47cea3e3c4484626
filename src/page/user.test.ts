import 'fake-indexeddb/auto'
import { beforeEach, expect, it, vi } from 'vitest'
import { PRINCIPAL_KEY } from '../outbox/principal.ts'
import { DEFAULT_SETTINGS, SETTINGS_KEY } from '../outbox/settings.ts'
import { HoldfastError } from '../protocol/errors.ts'
import { openStorage, type Storage } from '../storage/open-storage.ts'
import { createUser } from './user.ts'

const settings = { ...DEFAULT_SETTINGS, judge: 'api' }
let storage: Storage
let databases = 0

beforeEach(async () => {
  databases += 1
  storage = await openStorage({ name: `user-${databases}` })
})

it('tells the database what the page was told', async () => {
  const user = createUser({ principal: 'ada', settings })
  await user.introduce(storage)
  expect(await storage.meta.getItem(SETTINGS_KEY)).toEqual(settings)
  expect(await storage.meta.getItem(PRINCIPAL_KEY)).toBe('ada')
})

it('learns from it what the page was not told, and follows', async () => {
  await createUser({ principal: 'ada', settings }).introduce(storage)
  const user = createUser({ principal: undefined, settings })
  await user.introduce(storage)
  expect(user.principal()).toBe('ada')
  await createUser({ principal: undefined, settings }).identify(storage, 'bo')
  await user.follow(storage)
  expect(user.principal()).toBe('bo')
})

it('goes on for the one that the page was told of, whoever another tab names', async () => {
  const user = createUser({ principal: 'ada', settings })
  await user.introduce(storage)
  await createUser({ principal: undefined, settings }).identify(storage, 'bo')
  await user.follow(storage)
  expect(user.principal()).toBe('ada')
})

it('gives a write to whoever was there when it was made', async () => {
  await createUser({ principal: 'ada', settings }).introduce(storage)
  const user = createUser({ principal: undefined, settings })
  const early = user.owner()
  await user.introduce(storage)
  const late = user.owner()
  await user.identify(storage, 'bo')
  expect([early(), late(), user.owner()()]).toEqual(['ada', 'ada', 'bo'])
})

it('lets a page look at what waits although the device is full', async () => {
  const text = { action: 'write', reason: 'the device is full', hint: 'Free space.' }
  const full = vi.spyOn(storage.meta, 'setItem')
  full.mockRejectedValue(new HoldfastError({ code: 'quota-exceeded', ...text }))
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  await createUser({ principal: undefined, settings }).introduce(storage)
  expect(warn).toHaveBeenCalledOnce()
  full.mockRejectedValue(new HoldfastError({ code: 'storage-failed', ...text }))
  const other = createUser({ principal: undefined, settings })
  await expect(other.introduce(storage)).rejects.toMatchObject({ code: 'storage-failed' })
})
