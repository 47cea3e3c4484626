import { laneOf } from '../protocol/queue-key.ts'
import { answerOf } from '../storage/database.ts'
import type { Storage } from '../storage/open-storage.ts'
import { COUNTERS_KEY, type Counters, NO_COUNTERS, type Tally, tallyOf } from './counters.ts'
import { PRINCIPAL_KEY } from './principal.ts'

/** What the one who uses the app has: two reads, however much it is. */
export function readTally({ database }: Pick<Storage, 'database'>): Promise<Tally> {
  return database.read('meta', async meta => {
    const [counters, principal] = await Promise.all([
      answerOf<Counters | undefined>(meta.get(COUNTERS_KEY)),
      answerOf<string | undefined>(meta.get(PRINCIPAL_KEY)),
    ])
    return tallyOf(counters ?? NO_COUNTERS, laneOf(principal))
  })
}
