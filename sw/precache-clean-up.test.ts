import { beforeEach, expect, it } from 'vitest'
import { createPrecacheCleaner } from './precache-clean-up.ts'

const AT = 'https://app.example/'

let stored: Map<string, string[]>
let registration: { installing?: object; waiting?: object }

beforeEach(() => {
  stored = new Map()
  registration = {}
})

/** A version with these files, all of which it has stored. */
function version(...names: string[]) {
  const files = names.map(name => AT + name)
  for (const file of files) stored.set(file, [])
  const cache = {
    keys: async () => [...stored.keys()].map(url => ({ url })),
    match: async (name: string) => (stored.has(AT + name) ? { json: async () => stored.get(AT + name) } : undefined),
    put: async (name: string, response: Response) => void stored.set(AT + name, await response.json()),
    delete: async ({ url }: Request) => stored.delete(url),
  }
  const scope = { caches: { open: async () => cache }, registration } as unknown as ServiceWorkerGlobalScope
  return createPrecacheCleaner(scope, 'files', files)
}

const files = () => [...stored.keys()].map(url => url.slice(AT.length)).filter(name => !name.startsWith('.'))

it('keeps the hashed files of the version before, and of no earlier one', async () => {
  const first = version('a-1.js', 'index.html?__WB_REVISION__=1', 'same-0.js')
  await first.installed()
  await first.activated()
  const second = version('a-2.js', 'index.html?__WB_REVISION__=2', 'same-0.js')
  await second.installed()
  expect(files()).toHaveLength(5)
  await second.activated()
  expect(files()).toEqual(['a-1.js', 'same-0.js', 'a-2.js', 'index.html?__WB_REVISION__=2'])
  const third = version('a-3.js')
  await third.installed()
  await third.activated()
  expect(files()).toEqual(['same-0.js', 'a-2.js', 'a-3.js'])
})

it.each(['installing', 'waiting'] as const)('deletes nothing while a later version is %s', async state => {
  stored.set(`${AT}of-the-third.js`, [])
  const second = version('a-2.js')
  registration[state] = {}
  await second.activated()
  expect(files()).toContain('of-the-third.js')
  delete registration[state]
  await second.activated()
  expect(files()).toEqual(['a-2.js'])
})

it('gives back what is neither of the active version nor of the one that waits', async () => {
  const first = version('a-1.js')
  await first.installed()
  await first.activated()
  await version('a-2.js').installed()
  await version('a-3.js', 'b-3.js').giveBack()
  expect(files()).toEqual(['a-1.js', 'a-2.js'])
})

it('gives back everything where no version was ever installed', async () => {
  await version('a-1.js').giveBack()
  expect(files()).toEqual([])
})
