import { expect, it } from 'vitest'
import { createWorkerLink } from './worker-link.ts'

const registration = (posted: unknown[] = []) => {
  return { active: { postMessage: (data: unknown) => posted.push(data) } } as unknown as ServiceWorkerRegistration
}
const link = (register: () => Promise<ServiceWorkerRegistration | undefined>, failures: Error[] = []) =>
  createWorkerLink({ name: 'a', register, sleep: async () => {}, onFailure: error => failures.push(error) })

it('knows the registration when its worker is active, and asks it', async () => {
  const posted: unknown[] = []
  const found = registration(posted)
  const one = link(async () => found)
  one.ask(true)
  expect(one.current()).toBeUndefined()
  expect(await one.ready).toBe(found)
  expect(one.current()).toBe(found)
  one.ask(true)
  expect(posted).toEqual([{ holdfast: 1, type: 'drain', name: 'a', eager: true }])
})

it('does not wait for ever for a worker that is being installed', async () => {
  const one = link(() => new Promise(() => undefined))
  expect(await one.soon()).toBeUndefined()
})

it('tells why there is none, once, and goes on without', async () => {
  const failures: Error[] = []
  const failure = new Error('404')
  const one = link(() => Promise.reject(failure), failures)
  expect(await one.ready).toBeUndefined()
  expect(failures).toEqual([failure])
})
