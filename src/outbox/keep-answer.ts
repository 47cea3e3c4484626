import type { Queue } from './change-queue.ts'
import { type SettledRecord, settledKey } from './settled.ts'

/** Records how a mutation ended. With `whole` false, as where there is no room, without what the server said. */
export async function keepAnswer(
  queue: Queue,
  id: string,
  record: SettledRecord,
  { whole }: { whole: boolean },
): Promise<void> {
  const { settlement } = record
  const isBare = settlement.kind === 'confirmed' && !whole
  const kept: SettledRecord = isBare
    ? { ...record, settlement: { ...settlement, headers: {}, body: undefined } }
    : { ...record, bytes: JSON.stringify(settlement).length }
  await queue.tx.objectStore('meta').put(kept, settledKey(id))
  countAnswers(queue, 1, kept.bytes ?? 0)
}

/** Forgets how a mutation ended, because it has not after all. */
export async function forgetAnswer(queue: Queue, id: string): Promise<void> {
  const meta = queue.tx.objectStore('meta')
  const record: SettledRecord | undefined = await meta.get(settledKey(id))
  if (!record) return
  await meta.delete(settledKey(id))
  countAnswers(queue, -1, -(record.bytes ?? 0))
}

export function countAnswers(queue: Queue, count: number, bytes: number): void {
  const { answers } = queue.counters
  queue.counters = { ...queue.counters, answers: { count: answers.count + count, bytes: answers.bytes + bytes } }
}
