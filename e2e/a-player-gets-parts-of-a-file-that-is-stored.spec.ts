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

test('a file is fetched whole once, however many parts are asked for while it arrives', async ({ app, page }) => {
  const finish: (() => void)[] = []
  app.on('/sounds/', ({ request, response }) => {
    if (!request.headers.range) {
      response.write(SOUND.slice(0, 9))
      return finish.push(() => response.end(SOUND.slice(9)))
    }
    response.statusCode = 206
    response.setHeader('Content-Range', `bytes 4-8/${SOUND.length}`).end(SOUND.slice(4, 9))
  })
  await app.open(page, { caching: [{ match: '/sounds/**', strategy: 'cache-first', ranges: true }] })
  for (const count of [1, 2, 3]) {
    expect((await get(page, '/sounds/sea.ogg', { headers: { Range: 'bytes=4-8' } })).status).toBe(206)
    // The whole file has begun to arrive.
    await expect.poll(() => finish.length).toBeGreaterThan(0)
    await expect.poll(() => app.hits.get('GET /sounds/sea.ogg')).toBe(count + 1)
  }
  finish[0]?.()
  await expect.poll(() => stored(page, '/sounds/sea.ogg')).toBe(SOUND)
  expect(finish.length).toBe(1)
})

test('a file that has changed is fetched whole again where the rule revalidates', async ({ app, page }) => {
  let sound = SOUND
  app.on('/sounds/', ({ request, response }) => {
    response.setHeader('ETag', `"${sound.length}"`)
    if (!request.headers.range) return response.end(sound)
    response.statusCode = 206
    response.setHeader('Content-Range', `bytes 4-8/${sound.length}`).end(sound.slice(4, 9))
  })
  await app.open(page, { caching: [{ match: '/sounds/**', strategy: 'stale-while-revalidate', ranges: true }] })
  const part = () => get(page, '/sounds/sea.ogg', { headers: { Range: 'bytes=4-8' } })
  await part()
  await expect.poll(() => stored(page, '/sounds/sea.ogg')).toBe(SOUND)
  sound = 'The cries of gulls.'
  expect((await part()).text).toBe('sound')
  await expect.poll(() => stored(page, '/sounds/sea.ogg')).toBe(sound)
  expect((await part()).text).toBe('cries')
})

test('without `ranges`, requests for a part go to the network although the file is stored', async ({ app, page }) => {
  app.on('/sounds/', ({ request, response }) => {
    response.statusCode = request.headers.range ? 206 : 200
    response.end(request.headers.range ? SOUND.slice(4, 9) : SOUND)
  })
  await app.open(page, { caching: [{ match: '/sounds/**', strategy: 'cache-first' }] })
  await get(page, '/sounds/sea.ogg')
  await expect.poll(() => stored(page, '/sounds/sea.ogg')).toBe(SOUND)
  expect(await get(page, '/sounds/sea.ogg', { headers: { Range: 'bytes=4-8' } })).toEqual({
    status: 206,
    text: 'sound',
  })
})

test('a player goes on playing what another origin does not let anybody read', async ({ app, page }) => {
  const wave = waveOf(8000)
  app.on('/sounds/', ({ request, response }) => {
    response.setHeader('Content-Type', 'audio/wav')
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1])
    response.statusCode = 206
    response.setHeader('Content-Range', `bytes ${from}-${wave.length - 1}/${wave.length}`).end(wave.subarray(from))
  })
  const foreign = app.url.replace('localhost', '127.0.0.1')
  await app.open(page, {
    caching: [{ match: `${foreign}sounds/**`, strategy: 'cache-first', ranges: true, statuses: [0, 200] }],
  })
  for (const count of [1, 2]) {
    expect(await page.evaluate(play, `${foreign}sounds/sea.wav`)).toBe('plays')
    expect(app.hits.get('GET /sounds/sea.wav')).toBe(count)
    // A page keeps what it has played.
    await page.reload()
  }
})

function play(address: string): Promise<string | undefined> {
  return new Promise(resolve => {
    const audio = new Audio()
    audio.oncanplaythrough = () => resolve('plays')
    audio.onerror = () => resolve(audio.error?.message)
    audio.src = address
  })
}

/** Silence, as a file of 8-bit PCM. */
function waveOf(samples: number): Buffer {
  const wave = Buffer.alloc(44 + samples, 0x80)
  wave.write('RIFF....WAVEfmt ')
  wave.writeUInt32LE(36 + samples, 4)
  wave.writeUInt32LE(16, 16)
  for (const [at, value] of [
    [20, 1],
    [22, 1],
    [32, 1],
    [34, 8],
  ] as const)
    wave.writeUInt16LE(value, at)
  for (const at of [24, 28]) wave.writeUInt32LE(8000, at)
  wave.write('data', 36)
  wave.writeUInt32LE(samples, 40)
  return wave
}

test('a player gets parts of a file of the build, without a rule for it', async ({ app, page, network }) => {
  await app.open(page, {}, { 'public/bell.ogg': SOUND })
  await network.offline()
  expect(await get(page, '/bell.ogg', { headers: { Range: 'bytes=4-8' } })).toMatchObject({
    status: 206,
    text: 'sound',
  })
  expect(await get(page, '/bell.ogg')).toMatchObject({ status: 200, text: SOUND })
})
