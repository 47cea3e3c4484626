import type { Storage } from '../storage/open-storage.ts'
import { changeQueue } from './change-queue.ts'
import { countAnswers } from './keep-answer.ts'
import type { AnswerLimits } from './settings.ts'
import { SETTLED_PREFIX, type SettledRecord } from './settled.ts'

/**
 * Removes answers that are too old, and the oldest where there are too many or too much. The id of a mutation begins with
 * the time at which it was made (UUID v7, RFC 9562): in the order of their keys the oldest come first, and the first that
 * may stay ends it.
 */
export async function forgetOldAnswers(storage: Storage, limits: AnswerLimits, now: number): Promise<void> {
  while ((await forgetSome(storage, limits, now)) === AT_ONCE);
}

/** In one transaction, so many at most. */
function forgetSome(storage: Storage, limits: AnswerLimits, now: number): Promise<number> {
  return changeQueue(
    storage,
    async queue => {
      let forgotten = 0
      const range = IDBKeyRange.bound(SETTLED_PREFIX, `${SETTLED_PREFIX}\uffff`)
      let cursor = await queue.tx.objectStore('meta').openCursor(range)
      while (cursor && forgotten < AT_ONCE) {
        const { at, bytes = 0 } = cursor.value as SettledRecord
        const { answers } = queue.counters
        const isTooMuch = answers.count > limits.count || answers.bytes > limits.bytes
        if (!isTooMuch && now - at <= limits.keepMs) break
        await cursor.delete()
        countAnswers(queue, -1, -bytes)
        forgotten += 1
        cursor = await cursor.continue()
      }
      return forgotten
    },
    { durability: 'relaxed' },
  )
}

const AT_ONCE = 500
