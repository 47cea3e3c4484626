// Elects leaders under chaos, seed by seed: `npm run simulate:elections -- --seeds 1000 --from 0`. The exit status is 1
// where a promise was broken.
import { parseArgs } from 'node:util'
import { simulateElections } from '../src/outbox/simulate/elections.ts'
import { electionPlanOf } from '../src/outbox/simulate/elections-plan.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '0' },
    // Prints everything that happens.
    trace: { type: 'boolean', default: false },
  },
})
const [seeds, from] = [Number(values.seeds), Number(values.from)]
const onLine = values.trace ? (line: string) => console.log(line) : undefined
let broken = 0
let longestMs = 0

for (let seed = from; seed < from + seeds; seed += 1) {
  const { violations, settledAfterMs } = await simulateElections(electionPlanOf(seed), { onLine })
  longestMs = Math.max(longestMs, settledAfterMs)
  if (violations.length === 0) continue
  broken += 1
  for (const { check, text } of violations) console.log(`Seed ${seed} breaks "${check}": ${text}`)
  console.log(`To run it again: npm run simulate:elections -- --seeds 1 --from ${seed} --trace`)
}
console.log(`${seeds} seeds, ${broken} broken; one leader known to all after ${Math.round(longestMs)} ms at most`)
process.exitCode = broken > 0 ? 1 : 0
