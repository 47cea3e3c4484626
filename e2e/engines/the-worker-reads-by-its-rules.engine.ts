import type { Tab } from './engine-browser.ts'
import { expect, test } from './fixtures.ts'

const get = (tab: Tab, path: string, range = '') =>
  tab.evaluate(
    async (url, part) => {
      try {
        const response = await fetch(url, { headers: part === '' ? [] : [['Range', part]] })
        return { status: response.status, text: await response.text(), isOld: response.headers.has('age') }
      } catch (error) {
        return (error as Error).name
      }
    },
    path,
    range,
  )

const stored = (tab: Tab, path: string) =>
  tab.evaluate(url => caches.match(url).then(response => response?.text() ?? 'nothing'), path)

const fresh = (text: string) => ({ status: 200, text, isOld: false })
const old = (text: string) => ({ ...fresh(text), isOld: true })

test('what was read is there offline, says that it is old, and the least used goes first', async ({
  open,
  network,
  server,
}) => {
  const tab = await open()
  for (const port of ['a', 'b', 'c']) {
    server.give(`/tides/${port}`, `tides ${port}`)
    expect(await get(tab, `/tides/${port}`)).toEqual(fresh(`tides ${port}`))
    await expect.poll(() => stored(tab, `/tides/${port}`)).toBe(`tides ${port}`)
  }
  await expect.poll(() => stored(tab, '/tides/a')).toBe('nothing')
  await network.offline()
  expect(await get(tab, '/tides/c')).toEqual(old('tides c'))
  expect(await get(tab, '/tides/a')).toBe('TypeError')
  const width = await tab.evaluate(async () => {
    const image = new Image()
    image.src = '/photos/none.png'
    await image.decode()
    return image.naturalWidth
  })
  expect(width).toBe(9)
})

test('a player gets the parts of a stored file', async ({ open, network, server }) => {
  server.give('/sounds/sea.wav', 'The sound of the sea')
  const tab = await open()
  await get(tab, '/sounds/sea.wav')
  await expect.poll(() => stored(tab, '/sounds/sea.wav')).toBe('The sound of the sea')
  await network.offline()
  expect(await get(tab, '/sounds/sea.wav', 'bytes=4-8')).toMatchObject({ status: 206, text: 'sound' })
})

test('pages hear of a fresher answer, but not of one that hides a write that waits', async ({ open, server }) => {
  const tab = await open()
  const other = await open()
  server.give('/notes/all', 'one')
  expect(await get(tab, '/notes/all')).toEqual(fresh('one'))
  await expect.poll(() => stored(tab, '/notes/all')).toBe('one')

  server.give('/notes/all', 'one, two')
  expect(await get(tab, '/notes/all')).toEqual(old('one'))
  for (const each of [tab, other]) await expect.poll(() => each.evaluate(() => window.fresh)).toEqual(['/notes/all'])
  expect(await get(tab, '/notes/all')).toEqual(old('one, two'))

  server.answer((_arrival, response) => void response.writeHead(503).end())
  await tab.evaluate(() => window.hf.mutate({ url: '/notes/new', json: 'mine' }).then(() => undefined))
  server.give('/notes/all', 'of somebody else')
  expect(await get(tab, '/notes/all')).toEqual(old('one, two'))
  server.answer((_arrival, response) => {
    server.give('/notes/all', 'of somebody else, mine')
    response.end()
  })
  await expect
    .poll(() => tab.evaluate(() => window.hf.sync().then(({ remaining }) => remaining)), { timeout: 15_000 })
    .toBe(0)
  await expect.poll(async () => await get(tab, '/notes/all')).toEqual(old('of somebody else, mine'))
})
