import { expect, it } from 'vitest'
import { createWake } from './wake.ts'
import type { WorkerLink } from './worker-link.ts'

interface SetUp {
  registration?: object
  isInstalling?: boolean
  behind?: () => boolean
}

function setUp({ registration, isInstalling, behind = () => false }: SetUp) {
  const log: string[] = []
  const tags: { tag: string; done: () => void; fail: () => void }[] = []
  const sync = {
    register: (tag: string) =>
      new Promise<void>((done, fail) => {
        log.push(`tag ${tag}`)
        tags.push({ tag, done, fail: () => fail(new Error('refused')) })
      }),
  }
  const found = registration && ({ sync, ...registration } as unknown as ServiceWorkerRegistration)
  const link: WorkerLink = {
    ready: Promise.resolve(found),
    soon: async () => (isInstalling ? undefined : found),
    current: () => (isInstalling ? undefined : found),
    ask: eager => log.push(`ask ${eager}`),
  }
  const drainHere = async (eager: boolean) => void log.push(`drain ${eager}`)
  return { log, tags, wake: createWake({ link, syncTagPrefix: 'p:', drainHere, isBehind: behind }) }
}

it('registers the tag and asks the worker in the same tick, so that a tab may close right after', () => {
  const { log, wake } = setUp({ registration: {} })
  wake()
  expect(log).toEqual(['tag p:0', 'ask false'])
})

it('shares the next round among the calls that come while one is under way', async () => {
  const { log, tags, wake } = setUp({ registration: {} })
  wake()
  wake()
  wake({ eager: true })
  wake()
  tags[0]?.done()
  await expect.poll(() => log).toEqual(['tag p:0', 'ask false', 'tag p:0', 'ask true'])
})

it('takes a fresh tag when the last drain left something behind', async () => {
  const { log, tags, wake } = setUp({ registration: {}, behind: () => true })
  wake()
  tags[0]?.done()
  wake()
  await expect.poll(() => log.filter(line => line.startsWith('tag'))).toEqual(['tag p:1', 'tag p:2'])
})

it('asks the worker although the tag is refused, and is ready for the next call', async () => {
  const { log, tags, wake } = setUp({ registration: {} })
  wake()
  tags[0]?.fail()
  await expect.poll(() => log).toContain('ask false')
  wake({ eager: true })
  await expect.poll(() => log).toContain('ask true')
})

it('asks the worker where there is no Background Sync', async () => {
  const { log, wake } = setUp({ registration: { sync: undefined } })
  wake()
  await expect.poll(() => log).toContain('ask false')
})

it('leaves the tags alone where a timer only looks again', async () => {
  const { log, wake } = setUp({ registration: {} })
  wake({ tag: false })
  await expect.poll(() => log).toEqual(['ask false'])
})

it('drains in the page while the worker is still being installed', async () => {
  const { log, wake } = setUp({ isInstalling: true })
  wake()
  await expect.poll(() => log).toEqual(['drain false'])
})

it('drains in the page where there is no worker', async () => {
  const { log, wake } = setUp({})
  wake({ eager: true })
  await expect.poll(() => log).toEqual(['drain true'])
})
