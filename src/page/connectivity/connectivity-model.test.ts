import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isLink } from '../../protocol/link.ts'
import { type Path, START, setUp } from './connectivity.fixture.ts'

/** The slowest rate of probes, the time of one that hangs, and one more that succeeds. */
const BOUND_MS = 60_000 + 5_000 + 1_000

/** A browser that wrongly says offline, and gives no event, is heard when it is time to ask, and doubted from then on. */
const UNHEARD_MS = 60_000

it('has one probe under way at most, only where it leads; and knows within a bound that the network is back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps(), { maxLength: 25 }), ends(), fractions(), async (all, end, draws) => {
      let drawn = 0
      const tab = setUp({ random: () => draws[drawn++ % draws.length] ?? 0 })
      let leads = false
      for (const step of all) {
        const probesBefore = tab.probes.length
        leads = take(tab, step, leads)
        await tab.wait(step.waitMs)
        if (!leads) expect([tab.underWay.now, tab.probes.length]).toEqual([0, probesBefore])
      }
      tab.world.path = 'up'
      tab.setOnline(end.isOnline, end)
      tab.connectivity.start()
      await tab.wait(end.silently && !end.isOnline ? BOUND_MS + UNHEARD_MS : BOUND_MS)
      expect(tab.connectivity.get().online).toBe(true)
      expect(tab.underWay.most).toBeLessThanOrEqual(1)
      expect(tab.links.every(isLink)).toBe(true)

      // What was found to be slow is measured until it is fast.
      await tab.wait(5 * 60_000)
      const probesAfter = tab.probes.length
      await tab.wait(3_600_000)
      expect(tab.probes.length).toBe(probesAfter)
    }),
    { numRuns: 150 },
  )
}, 60_000)

type Step = { waitMs: number } & (
  | { do: 'start' | 'stop' | 'check' | 'check by hand' | 'fail' | 'succeed' | 'hear' | 'wait' }
  | { do: 'path'; path: Path }
  | { do: 'browser'; isOnline: boolean; silently: boolean }
  | { do: 'clock'; ms: number }
)

function steps(): fc.Arbitrary<Step> {
  const waits = fc.oneof(fc.constant(0), fc.nat(100), fc.nat(5_000), fc.nat(120_000))
  const plain = fc.constantFrom(
    ...(['start', 'stop', 'check', 'check by hand', 'fail', 'succeed', 'hear', 'wait'] as const),
  )
  const paths = fc.constantFrom<Path>('up', 'slow', 'refused', 'hanging', 'portal', 'redirecting')
  return fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: plain, waitMs: waits }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('path' as const), path: paths, waitMs: waits }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('browser' as const),
        isOnline: fc.boolean(),
        silently: fc.boolean(),
        waitMs: waits,
      }),
    },
    {
      arbitrary: fc.record({
        do: fc.constant('clock' as const),
        ms: fc.integer({ min: -1e9, max: 1e9 }),
        waitMs: waits,
      }),
      weight: 1,
    },
  )
}

/** A browser may also go on being wrong, or give no event. */
function ends() {
  return fc.record({ isOnline: fc.boolean(), silently: fc.boolean() })
}

function fractions() {
  return fc.array(fc.constantFrom(0, 0.3, 0.999), { minLength: 1, maxLength: 5 })
}

function take(tab: ReturnType<typeof setUp>, step: Step, leads: boolean): boolean {
  const { connectivity } = tab
  if (step.do === 'start') connectivity.start()
  if (step.do === 'stop') connectivity.stop()
  if (step.do === 'check') void connectivity.check('send')
  if (step.do === 'check by hand') void connectivity.check('manual')
  if (step.do === 'fail') connectivity.report({ ok: false })
  if (step.do === 'succeed') connectivity.report({ ok: true, latencyMs: step.waitMs })
  if (step.do === 'hear') {
    const measuredAt = START + tab.monotonic() + tab.world.skewMs
    connectivity.hear({ online: false, quality: 'none', saveData: false, measuredAt })
  }
  if (step.do === 'path') tab.world.path = step.path
  if (step.do === 'browser') tab.setOnline(step.isOnline, step)
  if (step.do === 'clock') tab.jumpClock(step.ms)
  return step.do === 'start' || (leads && step.do !== 'stop')
}
