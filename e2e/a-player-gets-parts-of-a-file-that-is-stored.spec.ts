import { expect, get, stored, test } from './support/reading-app.ts'

const SOUND = 'The sound of the sea, in 44 bytes, as a text.'

test('a player gets the parts of a file that is stored, and an error for parts that it has not', async ({
  app,
  page,
  network,
}) => {
  app.on('/sounds/', ({ request, response }) => {
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
    response.setHeader('Content-Type', 'audio/ogg')
    if (from === undefined) return response.end(SOUND)
    const last = to ? Number(to) : SOUND.length - 1
    response.statusCode = 206
    response.setHeader('Content-Range', `bytes ${from}-${last}/${SOUND.length}`)
    response.end(SOUND.slice(Number(from), last + 1))
  })
  await app.open(page, { caching: [{ match: '/sounds/**', strategy: 'cache-first', ranges: true }] })

  const part = (range: string) => get(page, '/sounds/sea.ogg', { headers: { Range: range } })
  expect(await part('bytes=4-8')).toEqual({ status: 206, text: 'sound' })
  await expect.poll(() => stored(page, '/sounds/sea.ogg')).toBe(SOUND)
  await network.offline()
  expect(await part('bytes=4-8')).toMatchObject({ status: 206, text: 'sound' })
  expect(await part('bytes=-5')).toMatchObject({ status: 206, text: 'text.' })
  expect(await part('bytes=500-')).toMatchObject({ status: 416 })
  expect(await get(page, '/sounds/sea.ogg')).toMatchObject({ status: 200, text: SOUND })
  // Once for the part, and once for the whole.
  expect(app.hits.get('GET /sounds/sea.ogg')).toBe(2)
})

test('a player gets parts of a file of the build, without a rule for it', async ({ app, page, network }) => {
  await app.open(page, {}, { 'public/bell.ogg': SOUND })
  await network.offline()
  expect(await get(page, '/bell.ogg', { headers: { Range: 'bytes=4-8' } })).toMatchObject({
    status: 206,
    text: 'sound',
  })
  expect(await get(page, '/bell.ogg')).toMatchObject({ status: 200, text: SOUND })
})
