import { describe, expect, it } from 'vitest'
import type { Fault, Plan } from './plan.ts'
import { simulate } from './run.ts'
import { WORKLOADS, type Workload } from './workloads.ts'

const DEVICES = [
  { locks: true, worker: true },
  { locks: true, worker: false },
  { locks: false, worker: true },
  { locks: false, worker: false },
]

const [FIRST] = Object.values(WORKLOADS)

/** The first workload on every device; the others where most happens, and where least protects. */
const PLACES = Object.entries(WORKLOADS).flatMap(([name, workload]) =>
  (workload === FIRST ? DEVICES : DEVICES.filter(({ locks, worker }) => locks === worker)).map(device => ({
    name,
    device,
    workload,
  })),
)

/** Each strikes at one yield point: whoever is there. */
const STRIKES: [name: string, strike: (ordinal: number) => Fault][] = [
  ['that tab or worker killed', ordinal => ({ kind: 'kill', ordinal, scope: 'context' })],
  ['the browser killed', ordinal => ({ kind: 'kill', ordinal, scope: 'browser' })],
  ['that tab or worker frozen for a minute', ordinal => ({ kind: 'freeze', ordinal, ms: 60_000 })],
]

describe.each(PLACES)('$name, with $device', { timeout: 180_000 }, ({ workload, device }) => {
  it.each(STRIKES)('survives, at every yield point: %s', async (_name, strike) => {
    const whole = await simulate(planOf(workload, device))
    expect(whole.violations).toEqual([])
    expect(whole.ordinals).toBeGreaterThan(25)
    for (let ordinal = 1; ordinal <= whole.ordinals; ordinal += 1) {
      const { violations } = await simulate(planOf(workload, device, strike(ordinal)))
      expect(violations, `at #${ordinal}`).toEqual([])
    }
  })

  it.runIf(workload === FIRST)('survives two kills, at every third pair of yield points', async () => {
    const { ordinals } = await simulate(planOf(workload, device))
    for (let first = 1; first <= ordinals; first += 3) {
      const kills = [first, first + 11].map(ordinal => ({ kind: 'kill', ordinal, scope: 'context' }) as const)
      const { violations } = await simulate(planOf(workload, device, ...kills))
      expect(violations, `at #${first} and #${first + 11}`).toEqual([])
    }
  })
})

function planOf({ chosen, operations, faults }: Workload, device: (typeof DEVICES)[number], ...more: Fault[]): Plan {
  return { seed: 1, chaosMs: 30_000, environment: { ...device, ...chosen }, operations, faults: [...faults, ...more] }
}
