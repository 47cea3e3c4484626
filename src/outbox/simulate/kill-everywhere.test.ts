import { describe, expect, it } from 'vitest'
import type { Fault, Plan } from './plan.ts'
import { simulate } from './run.ts'

/** Three entities, six writes: one with a body apart, one that is refused, one that meets two 503. */
const SMALL: Omit<Plan, 'environment'> = {
  seed: 1,
  chaosMs: 30_000,
  faults: [],
  operations: [
    {
      at: 0,
      kind: 'append',
      tab: 0,
      writes: [
        { entity: 'a', route: 'ok', size: 'apart' },
        { entity: 'a', route: 'poison', size: 'small' },
        { entity: 'b', route: 'busy', size: 'small' },
      ],
    },
    { at: 40, kind: 'append', tab: 1, writes: [{ entity: 'a', route: 'ok', size: 'small' }] },
    {
      at: 60,
      kind: 'append',
      tab: 0,
      writes: [
        { entity: 'b', route: 'ok', size: 'small' },
        { entity: 'c', route: 'ok', size: 'small' },
      ],
    },
  ],
}

const ENVIRONMENTS = [
  { locks: true, worker: true },
  { locks: true, worker: false },
  { locks: false, worker: true },
  { locks: false, worker: false },
]

/** Each strikes at one yield point: whoever is there. */
const STRIKES: [name: string, strike: (ordinal: number) => Fault][] = [
  ['that tab or worker killed', ordinal => ({ kind: 'kill', ordinal, scope: 'context' })],
  ['the browser killed', ordinal => ({ kind: 'kill', ordinal, scope: 'browser' })],
  ['that tab or worker frozen for a minute', ordinal => ({ kind: 'freeze', ordinal, ms: 60_000 })],
]

describe.each(ENVIRONMENTS)('a small workload with %o', { timeout: 120_000 }, environment => {
  it.each(STRIKES)('survives, at every yield point: %s', async (_name, strike) => {
    const whole = await simulate({ ...SMALL, environment })
    expect(whole.violations).toEqual([])
    expect(whole.ordinals).toBeGreaterThan(40)
    for (let ordinal = 1; ordinal <= whole.ordinals; ordinal += 1) {
      const { violations } = await simulate({ ...SMALL, environment, faults: [strike(ordinal)] })
      expect(violations, `at #${ordinal}`).toEqual([])
    }
  })

  it('survives two kills, at every third pair of yield points', async () => {
    const { ordinals } = await simulate({ ...SMALL, environment })
    for (let first = 1; first <= ordinals; first += 3) {
      const faults = [first, first + 11].map(ordinal => ({ kind: 'kill', ordinal, scope: 'context' }) as const)
      const { violations } = await simulate({ ...SMALL, environment, faults })
      expect(violations, `at #${first} and #${first + 11}`).toEqual([])
    }
  })
})
