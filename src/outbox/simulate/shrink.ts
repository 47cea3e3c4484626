import type { Operation, Plan } from './plan.ts'

/** More tries than this make a failing plan hardly smaller. */
const MOST_TRIES = 400

/** Leaves out operations, writes and faults for as long as `fails` still says that the rest fails. */
export async function shrink(plan: Plan, fails: (smaller: Plan) => Promise<boolean>): Promise<Plan> {
  let smallest = plan
  let tries = 0
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false
    // From the end: what comes late seldom matters to what comes before it.
    for (let index = partsOf(smallest) - 1; index >= 0 && tries < MOST_TRIES; index -= 1) {
      const smaller = without(smallest, index)
      tries += 1
      if (!smaller || !(await fails(smaller))) continue
      smallest = smaller
      isSmaller = true
    }
  }
  return smallest
}

function partsOf({ faults, operations }: Plan): number {
  return faults.length + operations.length + operations.reduce((sum, operation) => sum + writesOf(operation), 0)
}

/** The plan without one part: first come the faults, then the operations, then their writes, one by one. */
function without(plan: Plan, index: number): Plan | undefined {
  const { faults, operations } = plan
  if (index < faults.length) return { ...plan, faults: faults.filter((_, place) => place !== index) }
  const second = index - faults.length
  if (second < operations.length) return { ...plan, operations: operations.filter((_, place) => place !== second) }
  let left = second - operations.length
  for (const [place, operation] of operations.entries()) {
    const count = writesOf(operation)
    if (left >= count) left -= count
    else if (operation.kind === 'append' && count > 1) {
      const writes = operation.writes.filter((_, one) => one !== left)
      return { ...plan, operations: operations.with(place, { ...operation, writes }) }
    } else return undefined
  }
  return undefined
}

function writesOf(operation: Operation): number {
  return operation.kind === 'append' ? operation.writes.length : 0
}
