import { afterEach, expect, it, vi } from 'vitest'
import { registerPeriodicSync } from './periodic-sync.ts'

afterEach(() => vi.unstubAllGlobals())

it('registers the tag where the browser grants it, and nowhere else', async () => {
  const register = vi.fn(async () => undefined)
  const registration = { periodicSync: { register } } as unknown as ServiceWorkerRegistration
  const permission = { state: 'denied' }
  vi.stubGlobal('navigator', { permissions: { query: async () => permission } })
  await registerPeriodicSync({} as ServiceWorkerRegistration, 'tag')
  await registerPeriodicSync(registration, 'tag')
  expect(register).not.toHaveBeenCalled()
  permission.state = 'granted'
  await registerPeriodicSync(registration, 'tag')
  expect(register).toHaveBeenCalledExactlyOnceWith('tag', { minInterval: 43_200_000 })
})
