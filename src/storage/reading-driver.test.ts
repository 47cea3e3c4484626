import 'fake-indexeddb/auto'
import localforage from 'localforage'
import { expect, it } from 'vitest'
import { openDatabase } from './database.ts'
import { openStorage } from './open-storage.ts'
import { createDriver } from './reading-driver.ts'

it('reads what the whole driver has written, and refuses to write', async () => {
  const name = 'reading'
  const { meta } = await openStorage({ name })
  await meta.setItem('paused', true)
  await localforage.defineDriver(createDriver(openDatabase({ name }), 'reading-1'))
  const store = localforage.createInstance({ name, storeName: 'meta', driver: 'reading-1' })
  expect(await Promise.all([store.getItem('paused'), store.getItem('held')])).toEqual([true, null])
  await expect(store.setItem('paused', false)).rejects.toThrow('only reads')
  await expect(store.dropInstance()).rejects.toThrow('not implemented')
  expect(await meta.getItem('paused')).toBe(true)
})
