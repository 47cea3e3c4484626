import { describe, expect, it } from 'vitest'
import type { Link } from '../../protocol/link.ts'
import { type Path, START, setUp } from './connectivity.fixture.ts'

const HOUR_MS = 3_600_000

describe('what the browser says', () => {
  it('is believed at the start, without a request', async () => {
    const { connectivity, probes, wait } = setUp()
    expect(connectivity.get()).toEqual({ online: true, quality: 'fast', saveData: false, measuredAt: START })
    expect(setUp({ isOnline: false }).connectivity.get()).toMatchObject({ online: false, quality: 'none' })
    await wait(HOUR_MS)
    expect(probes).toEqual([])
  })

  it('is believed at once where it loses the network, in every tab, and without a request', async () => {
    const { connectivity, setOnline, links, probes, wait } = setUp()
    setOnline(false)
    expect(links).toMatchObject([{ online: false, quality: 'none' }])
    expect(connectivity.get().online).toBe(false)
    setOnline(true)
    expect(links).toMatchObject([{ online: false }, { online: true, quality: 'fast' }])
    await wait(HOUR_MS)
    expect(probes).toEqual([])
  })

  it('is found out to be wrong where it says offline, by one request a minute', async () => {
    const { connectivity, world, links, probes, wait } = setUp({ isOnline: false, path: 'refused' })
    connectivity.start()
    await wait(150_000)
    expect(probes).toEqual([60_000, 120_005])
    await connectivity.check('shown')
    await wait(2_000)
    expect(probes).toHaveLength(2)
    world.path = 'up'
    await wait(60_000)
    expect(links.at(-1)).toMatchObject({ online: true, quality: 'fast', latencyMs: 40 })
    await wait(HOUR_MS)
    expect(probes).toHaveLength(3)
  })

  it('is asked again where no event came', async () => {
    const { connectivity, setOnline, wait } = setUp({ isOnline: false, path: 'refused' })
    connectivity.start()
    setOnline(false, { silently: true })
    await wait(59_000)
    setOnline(true, { silently: true })
    await wait(1_001)
    expect(connectivity.get().online).toBe(true)
    await wait(1_000)
    expect(connectivity.get().online).toBe(false)
  })

  it('ends a probe that was about the network before', async () => {
    const { connectivity, setOnline, underWay, links, wait } = setUp({ path: 'slow' })
    connectivity.start()
    await wait(1_000)
    expect(underWay.now).toBe(1)
    setOnline(false)
    await wait(10_000)
    expect(underWay.now).toBe(0)
    expect(links).toMatchObject([{ online: false }])
  })

  it('is asked where this tab begins to lead', async () => {
    const { connectivity, setOnline, probes, wait } = setUp()
    setOnline(false, { silently: true })
    connectivity.start()
    expect(connectivity.get().online).toBe(false)
    await wait(59_000)
    expect(probes).toEqual([])
  })

  it('is checked where it changes networks', async () => {
    const { connectivity, setOnline, world, probes, links, wait } = setUp()
    connectivity.start()
    await wait(HOUR_MS)
    setOnline(false)
    world.path = 'portal'
    await wait(2_000)
    setOnline(true)
    expect(links.at(-1)?.online).toBe(true)
    await wait(21)
    expect(links.at(-1)?.online).toBe(false)
    // And where it never said offline between two of them.
    world.path = 'up'
    const count = probes.length
    setOnline(true)
    await wait(1_041)
    expect(probes.length).toBe(count + 1)
    expect(connectivity.get().online).toBe(true)
  })
})

describe('the leader', () => {
  it('asks when it begins to lead, and then no more while all is well', async () => {
    const { connectivity, probes, links, wait } = setUp()
    connectivity.start()
    connectivity.start()
    await wait(24 * HOUR_MS)
    expect(probes).toEqual([0])
    expect(links).toEqual([])
    expect(connectivity.get()).toMatchObject({ online: true, latencyMs: 40, measuredAt: START + 40 })
  })

  it.each<Path>(['refused', 'hanging', 'portal', 'redirecting'])('knows that it is not online: %s', async path => {
    const { connectivity, links, wait } = setUp({ path })
    connectivity.start()
    await wait(5_001)
    expect(links).toMatchObject([{ online: false, quality: 'none' }])
  })

  it('asks ever less often, from 1 s to 60 s, and tells at once when it is back', async () => {
    const { connectivity, world, probes, links, wait } = setUp({ path: 'refused' })
    connectivity.start()
    await wait(150_000)
    const pauses = probes.slice(1).map((at, i) => at - (probes[i] ?? 0) - 5)
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000])
    expect(links.some(({ online }) => online)).toBe(false)
    world.path = 'up'
    await wait(1_000)
    expect(connectivity.get().online).toBe(false)
    await wait(60_000)
    expect(links.at(-1)).toMatchObject({ online: true })
    const count = probes.length
    await wait(HOUR_MS)
    expect(probes).toHaveLength(count)
  })

  it('is told once that it leads', async () => {
    const { connectivity, probes, wait } = setUp()
    connectivity.start()
    await wait(HOUR_MS)
    connectivity.start()
    await wait(HOUR_MS)
    expect(probes).toEqual([0])
  })

  it('does not go by what was found out about another network', async () => {
    const { connectivity, setOnline, probes, wait } = setUp()
    connectivity.report({ ok: true })
    setOnline(false)
    setOnline(true)
    connectivity.start()
    await wait(1_000)
    expect(probes).toHaveLength(1)
  })

  it('spreads its requests by full jitter, and never spins', async () => {
    const draws = [0, 0.5, 0, 1]
    const { connectivity, probes, wait } = setUp({ path: 'refused', random: () => draws.shift() ?? 1 })
    connectivity.start()
    await wait(9_600)
    expect(probes).toEqual([0, 255, 1_260, 1_515, 9_520])
  })

  it('asks nothing more when it leads no more, and ends what is under way', async () => {
    const { connectivity, probes, underWay, links, wait } = setUp({ path: 'hanging' })
    connectivity.start()
    await wait(1_000)
    const checked = connectivity.check('manual')
    connectivity.stop()
    expect(await checked).toMatchObject({ online: true })
    await wait(HOUR_MS)
    expect([underWay.now, probes, links]).toEqual([0, [0], []])
    connectivity.start()
    await wait(1)
    expect(underWay.now).toBe(1)
  })

  it('stops for good with its page', async () => {
    const { connectivity, close, setOnline, probes, underWay, links, wait } = setUp({ path: 'hanging' })
    connectivity.start()
    await wait(1_000)
    close()
    connectivity.start()
    setOnline(false)
    connectivity.report({ ok: false })
    await connectivity.check('manual')
    await wait(HOUR_MS)
    expect([underWay.now, probes, links]).toEqual([0, [0], []])
  })
})

describe('a check', () => {
  it('asks where what is known is older than 30 s, once for all who ask', async () => {
    const { connectivity, probes, drive, wait } = setUp()
    connectivity.start()
    await wait(30_000)
    await connectivity.check('shown')
    expect(probes).toHaveLength(1)
    await wait(100)
    const [one, other] = await drive(Promise.all([connectivity.check('shown'), connectivity.check('send')]))
    expect(probes).toEqual([0, 30_100])
    expect(one).toBe(other)
    expect(one).toMatchObject({ measuredAt: START + 30_140 })
  })

  it('joins a probe under way', async () => {
    const { connectivity, probes, drive, wait } = setUp({ path: 'slow' })
    connectivity.start()
    await wait(100)
    expect(await drive(connectivity.check('send'))).toMatchObject({ quality: 'slow' })
    expect(probes).toEqual([0])
  })

  it('joins a probe that doubts the word of the browser', async () => {
    const { connectivity, probes, drive, wait } = setUp({ isOnline: false })
    connectivity.start()
    await wait(60_020)
    expect(await drive(connectivity.check('shown'))).toMatchObject({ online: true })
    expect(probes).toHaveLength(1)
  })

  it('brings the next request forward where it is not online, but no more than one a second', async () => {
    const { connectivity, probes, wait } = setUp({ path: 'refused' })
    connectivity.start()
    await wait(40_000)
    const count = probes.length
    for (let i = 0; i < 50; i += 1) {
      void connectivity.check('send')
      await wait(100)
    }
    expect(probes.slice(count).map(at => at - (probes[count] ?? 0))).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000])
  })

  it('asks for a person also where the browser sees no network', async () => {
    const { connectivity, drive } = setUp({ isOnline: false })
    connectivity.start()
    expect(await drive(connectivity.check('manual'))).toMatchObject({ online: true })
  })

  it('asks nothing where another tab leads', async () => {
    const { connectivity, probes, wait } = setUp({ path: 'refused' })
    expect(await connectivity.check('manual')).toMatchObject({ online: true })
    connectivity.report({ ok: false })
    await wait(HOUR_MS)
    expect(probes).toEqual([])
  })

  it('resolves where the browser loses the network meanwhile', async () => {
    const { connectivity, setOnline, drive, wait } = setUp({ path: 'hanging' })
    connectivity.start()
    await wait(100)
    const checked = connectivity.check('send')
    setOnline(false)
    expect(await drive(checked)).toMatchObject({ online: false })
  })
})

describe('a report', () => {
  it('of failure makes the leader ask, not more than every 5 s', async () => {
    const { connectivity, probes, links, wait } = setUp()
    connectivity.start()
    await wait(HOUR_MS)
    for (let i = 0; i < 50; i += 1) {
      connectivity.report({ ok: false })
      await wait(100)
    }
    expect(probes).toEqual([0, HOUR_MS, HOUR_MS + 5_000])
    expect(links.every(({ online }) => online)).toBe(true)
  })

  it('of failure says nothing new where it is not online', async () => {
    const { connectivity, probes, wait } = setUp({ path: 'refused' })
    connectivity.start()
    await wait(64_000)
    const count = probes.length
    for (let i = 0; i < 5; i += 1) {
      connectivity.report({ ok: false })
      await wait(10_000)
    }
    expect(probes).toHaveLength(count)
  })

  it('of failure is verified, and then believed', async () => {
    const { connectivity, world, links, wait } = setUp()
    connectivity.start()
    await wait(HOUR_MS)
    world.path = 'refused'
    connectivity.report({ ok: false })
    expect(links).toEqual([])
    await wait(6)
    expect(links).toMatchObject([{ online: false }])
  })

  it('of failure to a tab that does not lead makes it ask when it does', async () => {
    const { connectivity, probes, wait } = setUp()
    connectivity.report({ ok: true, latencyMs: 30 })
    connectivity.start()
    await wait(10_000)
    expect(probes).toEqual([])
    connectivity.stop()
    connectivity.report({ ok: false })
    connectivity.start()
    await wait(10_000)
    expect(probes).toHaveLength(1)
  })

  it('of an answer is believed at once, and ends the search', async () => {
    const { connectivity, world, probes, underWay, links, wait } = setUp({ path: 'refused' })
    connectivity.start()
    await wait(10)
    world.path = 'hanging'
    await wait(1_100)
    expect(underWay.now).toBe(1)
    connectivity.report({ ok: true, latencyMs: 60 })
    expect(links).toMatchObject([{ online: false }, { online: true, latencyMs: 60 }])
    await wait(HOUR_MS)
    expect([underWay.now, probes.length, links.length]).toEqual([0, 2, 2])
  })

  it('of an answer that arrives as the browser loses the network is asked about', async () => {
    const { connectivity, world, setOnline, probes, wait } = setUp()
    connectivity.start()
    await wait(10_000)
    world.path = 'refused'
    setOnline(false)
    connectivity.report({ ok: true })
    expect(connectivity.get().online).toBe(false)
    await wait(1_000)
    expect(probes).toHaveLength(2)
    expect(connectivity.get().online).toBe(false)
  })
})

describe('without a probe', () => {
  it('the word of the browser and reports decide, and a failure is believed for a minute', async () => {
    const { connectivity, links, probes, setOnline, wait } = setUp({ hasProbe: false })
    connectivity.report({ ok: false })
    expect(links).toMatchObject([{ online: false, quality: 'none' }])
    await wait(59_999)
    expect(links).toHaveLength(1)
    await wait(2)
    expect(links).toMatchObject([{ online: false }, { online: true }])
    connectivity.report({ ok: false })
    connectivity.report({ ok: true, latencyMs: 50 })
    expect(connectivity.get()).toMatchObject({ online: true, latencyMs: 50 })
    setOnline(false)
    expect(connectivity.get().online).toBe(false)
    connectivity.report({ ok: true })
    expect(connectivity.get().online).toBe(true)
    connectivity.start()
    connectivity.stop()
    await wait(HOUR_MS)
    expect(await connectivity.check('manual')).toMatchObject({ online: true })
    expect(probes).toEqual([])
  })
})

describe('what the leader shares', () => {
  const shared: Link = { online: true, quality: 'slow', saveData: true, latencyMs: 900, measuredAt: START }
  const offline: Link = { online: false, quality: 'none', saveData: false, measuredAt: START }

  it('is taken by the others, as it is', async () => {
    const { connectivity, links, probes, wait } = setUp({ path: 'refused' })
    connectivity.hear(shared)
    connectivity.hear(offline)
    connectivity.hear(shared)
    expect(connectivity.get()).toEqual(shared)
    expect(links).toEqual([shared, offline, shared])
    await wait(HOUR_MS)
    expect(probes).toEqual([])
  })

  it('is left alone by the leader', () => {
    const { connectivity, links } = setUp()
    connectivity.start()
    connectivity.hear(offline)
    expect(links).toEqual([])
  })

  it.each([
    ['hours ago', -2 * HOUR_MS],
    ['in the future', HOUR_MS],
  ])('is left alone where it was found out %s', (_, ms) => {
    const { connectivity, links } = setUp()
    connectivity.hear({ ...offline, measuredAt: START + ms })
    expect(links).toEqual([])
  })

  it('is where the next leader begins', async () => {
    const { connectivity, probes, links, wait } = setUp()
    connectivity.hear(shared)
    connectivity.start()
    await wait(10_000)
    expect(probes).toEqual([])
    connectivity.stop()
    connectivity.hear({ ...offline, measuredAt: START + 10_000 })
    connectivity.start()
    await wait(1_000)
    expect(probes).toHaveLength(1)
    expect(links.at(-1)).toMatchObject({ online: true })
  })
})

describe('the quality', () => {
  it('is slow for answers above 800 ms, and fast again below 500 ms', async () => {
    const { connectivity, links } = setUp()
    for (const latencyMs of [900, 700, 700, 700, 450, 450]) connectivity.report({ ok: true, latencyMs })
    expect(links.map(({ quality }) => quality)).toEqual(['slow'])
    connectivity.report({ ok: true, latencyMs: 450 })
    expect(links.map(({ quality }) => quality)).toEqual(['slow', 'fast'])
  })

  it('is slow where the browser says so', () => {
    const { connectivity, links, world } = setUp({ info: { effectiveType: '2g', saveData: true } })
    expect(connectivity.get()).toMatchObject({ quality: 'slow', saveData: true })
    world.info = { effectiveType: '4g' }
    connectivity.report({ ok: true, latencyMs: 40 })
    expect(links).toMatchObject([{ quality: 'fast', saveData: false }])
  })

  it('follows the browser as it changes its mind', () => {
    const info = Object.assign(new EventTarget(), { effectiveType: '4g', saveData: false })
    const { links, close } = setUp({ info })
    const change = (effectiveType: string, saveData: boolean) => {
      Object.assign(info, { effectiveType, saveData })
      info.dispatchEvent(new Event('change'))
    }
    change('4g', true)
    change('slow-2g', true)
    change('slow-2g', true)
    expect(links).toMatchObject([
      { quality: 'fast', saveData: true },
      { quality: 'slow', saveData: true },
    ])
    close()
    change('4g', false)
    expect(links).toHaveLength(2)
  })

  it('of another network is another one', async () => {
    const { connectivity, setOnline } = setUp()
    connectivity.report({ ok: true, latencyMs: 900 })
    setOnline(false)
    setOnline(true)
    expect(connectivity.get()).toEqual({ online: true, quality: 'fast', saveData: false, measuredAt: START })
  })
})

it('tells again what is as before, once a minute at most, so that it goes on being believed', async () => {
  const { connectivity, links, wait } = setUp()
  for (let i = 0; i < 150; i += 1) {
    connectivity.report({ ok: true, latencyMs: 30 })
    await wait(1_000)
  }
  expect(links.map(({ measuredAt }) => measuredAt - START)).toEqual([60_000, 120_000])
})

it('does not mind a clock that jumps', async () => {
  const { connectivity, jumpClock, world, probes, links, wait } = setUp({ path: 'refused' })
  connectivity.start()
  await wait(10)
  jumpClock(-24 * HOUR_MS)
  await wait(3_100)
  expect(probes).toHaveLength(3)
  world.path = 'up'
  jumpClock(48 * HOUR_MS)
  await wait(4_000)
  expect(links).toMatchObject([{ online: false }, { online: true, measuredAt: expect.any(Number) }])
})

describe('a link that was found to be slow', () => {
  it('is measured again each minute, and is fast when it has become so, whatever else is answered meanwhile', async () => {
    const { connectivity, world, links, probes, wait } = setUp({ path: 'slow' })
    connectivity.start()
    await wait(5_000)
    expect(links.at(-1)).toMatchObject({ online: true, quality: 'slow' })
    world.path = 'up'
    for (let seconds = 0; seconds < 300; seconds += 1) {
      connectivity.report({ ok: true })
      await wait(1_000)
    }
    expect(links.at(-1)).toMatchObject({ online: true, quality: 'fast' })
    expect(probes.length).toBeLessThanOrEqual(5)
    const before = probes.length
    await wait(HOUR_MS)
    expect(probes).toHaveLength(before)
  })

  it('is not looked at by a tab that does not lead', async () => {
    const { connectivity, probes, wait } = setUp()
    connectivity.hear({ online: true, quality: 'slow', saveData: false, latencyMs: 2_000, measuredAt: START })
    connectivity.report({ ok: true })
    await wait(HOUR_MS)
    expect(probes).toEqual([])
  })
})
