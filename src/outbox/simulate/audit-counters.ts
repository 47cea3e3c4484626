import { type Mutation, sizeOf } from '../../protocol/mutation.ts'
import { laneOf } from '../../protocol/queue-key.ts'
import { COUNTERS_KEY, type Counters, counted, NO_COUNTERS } from '../counters.ts'
import type { DeadRecord } from '../dead-record.ts'
import { SETTLED_PREFIX, type SettledRecord } from '../settled.ts'
import type { Ledger } from './ledger.ts'

/** Counts what is there, and compares it with what is on record. */
export function auditCounters({ database, report }: Ledger): void {
  const records = database()
  const stored = records.records<Counters>('meta').get(COUNTERS_KEY) ?? NO_COUNTERS
  let lanes = NO_COUNTERS
  for (const mutation of records.records<Mutation>('mutations').values()) {
    const { principal, held } = mutation
    lanes = counted(lanes, laneOf(principal), { pending: 1, bytes: sizeOf(mutation), held: held ? 1 : 0 })
  }
  for (const { mutation } of records.records<DeadRecord>('dead').values()) {
    lanes = counted(lanes, laneOf(mutation.principal), { dead: 1 })
  }
  if (sorted(lanes.lanes) !== sorted(stored.lanes)) {
    report('the counters are right', `There is ${sorted(lanes.lanes)}, and on record is ${sorted(stored.lanes)}.`)
  }
  const answers = [...records.records<SettledRecord>('meta')].filter(([key]) => key.startsWith(SETTLED_PREFIX))
  const bytes = answers.reduce((sum, [, record]) => sum + (record.bytes ?? 0), 0)
  if (stored.answers.count !== answers.length || stored.answers.bytes !== bytes) {
    const { answers: counts } = stored
    report(
      'the counters are right',
      `${answers.length} answers of ${bytes} are kept; on record is ${sorted({ counts })}.`,
    )
  }
}

function sorted(record: Record<string, object>): string {
  return JSON.stringify(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}
