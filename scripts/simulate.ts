// Runs the outbox under chaos, seed by seed: `npm run simulate -- --seeds 2000 --from 0`. What breaks a promise is made
// smaller and shown with its last steps, and the exit status is 1.
import { parseArgs } from 'node:util'
import { type Plan, planOf } from '../src/outbox/simulate/plan.ts'
import { type RunResult, simulate } from '../src/outbox/simulate/run.ts'
import { shrink } from '../src/outbox/simulate/shrink.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '0' },
    // Prints everything that happens.
    trace: { type: 'boolean', default: false },
    // Shows what breaks as it is.
    quick: { type: 'boolean', default: false },
  },
})
const [seeds, from] = [Number(values.seeds), Number(values.from)]
const onLine = values.trace ? (line: string) => console.log(line) : undefined
const SHOWN = 60
const startedAt = performance.now()
const reached = new Map<string, number>()
let broken = 0

for (let seed = from; seed < from + seeds; seed += 1) {
  const result = await simulate(planOf(seed), { onLine })
  for (const [what, count] of result.reached) reached.set(what, (reached.get(what) ?? 0) + count)
  if (seed % 100 === 0) await assertRepeatable(planOf(seed), result)
  if (result.violations.length > 0) {
    broken += 1
    await show(seed, result)
  }
  const done = seed - from + 1
  if (done % 100 === 0 || done === seeds)
    console.log(`${done} of ${seeds} seeds, ${rate(done)} a second, ${broken} broken`)
}
console.log([...reached].map(([what, count]) => `${what} ${count}`).join(', '))
process.exitCode = broken > 0 ? 1 : 0

function rate(done: number): string {
  return ((1000 * done) / (performance.now() - startedAt)).toFixed(1)
}

async function assertRepeatable(plan: Plan, { hash }: RunResult): Promise<void> {
  const again = await simulate(plan)
  if (again.hash === hash) return
  broken += 1
  console.log(`\nSeed ${plan.seed} did not run the same way twice: ${hash}, then ${again.hash}.`)
}

async function show(seed: number, { violations, hash }: RunResult): Promise<void> {
  const plan = planOf(seed)
  const check = violations[0]?.check
  await assertRepeatable(plan, { hash } as RunResult)
  const smallest = values.quick
    ? plan
    : await shrink(plan, async smaller =>
        (await simulate(smaller)).violations.some(violation => violation.check === check),
      )
  const { trace, violations: shown } = await simulate(smallest)
  console.log(`\nSeed ${seed} breaks "${check}".`)
  for (const violation of shown) console.log(`  ${violation.check}: ${violation.text}`)
  console.log(`The smallest plan that does (of ${plan.operations.length} operations and ${plan.faults.length} faults):`)
  console.log(`  ${JSON.stringify(smallest.environment)}`)
  for (const part of [...smallest.operations, ...smallest.faults]) console.log(`  ${JSON.stringify(part)}`)
  console.log(`Its last steps:\n${trace.slice(-SHOWN).join('\n')}`)
  console.log(`To run it again: npm run simulate -- --seeds 1 --from ${seed}\n`)
}
