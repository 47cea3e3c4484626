import { describe, expect, it } from 'vitest'
import { type Plan, planOf } from './plan.ts'
import {
  attemptsBurnedOffline,
  conflictTakenAsSuccess,
  leaseWithoutFence,
  orderBrokenByPriority,
  type Plant,
  removeBeforeSend,
} from './plants.ts'
import {
  batchAnswersByPosition,
  coalescedOntoAttempted,
  principalIgnored,
  referenceFromWrongParent,
} from './plants-of-terms.ts'
import { simulate } from './run.ts'
import { shrink } from './shrink.ts'

describe('the outbox under chaos', () => {
  it.each([0, 30, 60, 90, 120])('keeps its promises in 30 runs from seed %i', async from => {
    for (let seed = from; seed < from + 30; seed += 1) {
      const { violations } = await simulate(planOf(seed))
      expect(violations, `npm run simulate -- --from ${seed} --seeds 1`).toEqual([])
    }
  })

  it('meets every kind of fault, and every way in which a write can end', async () => {
    const reached = new Set<string>()
    for (let seed = 0; seed < 60; seed += 1) {
      for (const what of (await simulate(planOf(seed))).reached.keys()) reached.add(what)
    }
    expect([...reached]).toEqual(
      expect.arrayContaining(['network', 'storage', 'open', 'kill', 'freeze', 'auth', ...ENDS]),
    )
  })

  it.each([3, 19, 41])('runs the same way twice from seed %i', async seed => {
    const [first, second] = [await simulate(planOf(seed)), await simulate(planOf(seed))]
    expect(second.hash).toBe(first.hash)
    expect(second.trace).toEqual(first.trace)
  })

  it('runs another way from another seed', async () => {
    const [first, second] = [await simulate(planOf(1)), await simulate(planOf(2))]
    expect(second.hash).not.toBe(first.hash)
  })
})

const ENDS = ['confirmed', 'dead', 'cancelled', 'joined', 'batch', 'answered 401', 'answered 413', 'held']

/** Each takes a promise of the outbox away; the number of seeds is about ten times what it took. */
const PLANTS: [name: string, plant: () => Plant, seeds: number, checks: string[]][] = [
  ['a removal before the send', removeBeforeSend, 20, ['it leaves the queue with its outcome']],
  ['a lease without a fence', leaseWithoutFence, 400, ['who lost its lease changes nothing', 'fence', 'leases']],
  ['attempts burned offline', attemptsBurnedOffline, 40, ['being offline costs no attempts']],
  ['an order broken by priority', orderBrokenByPriority, 40, ['order within an entity']],
  ['a conflict taken as success', conflictTakenAsSuccess, 20, ['confirmed means done']],
  ['a reference filled from the wrong parent', referenceFromWrongParent, 100, ['references are true']],
  ['coalescing onto an attempted one', coalescedOntoAttempted, 200, ['fence', 'who lost its lease changes nothing']],
  ['a principal ignored in the claim', principalIgnored, 60, ['whose it is']],
  ['batch answers matched by position', batchAnswersByPosition, 100, ['confirmed means done']],
]

describe('a planted bug', () => {
  it.each(PLANTS)('is found: %s', async (_name, plant, seeds, checks) => {
    expect(checks).toContain(await firstFinding(plant, seeds))
  })

  it('is shown with less than what it was found with', async () => {
    const fails = async (plan: Plan) =>
      (await simulate(plan, { plant: conflictTakenAsSuccess() })).violations.some(
        ({ check }) => check === 'confirmed means done',
      )
    // One whose faults have no part in it.
    let seed = 3
    while (!(await fails(planOf(seed)))) seed += 1
    const smallest = await shrink(planOf(seed), fails)
    expect(smallest.faults).toEqual([])
    expect(smallest.operations.length).toBeLessThanOrEqual(3)
    expect(await fails(smallest)).toBe(true)
  })
})

async function firstFinding(plant: () => Plant, seeds: number): Promise<string | undefined> {
  for (let seed = 0; seed < seeds; seed += 1) {
    const [violation] = (await simulate(planOf(seed), { plant: plant() })).violations
    if (violation) return violation.check
  }
  return undefined
}
