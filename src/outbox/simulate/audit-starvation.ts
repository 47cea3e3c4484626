import type { Mutation } from '../../protocol/mutation.ts'
import { originOf } from '../../protocol/queue-key.ts'
import { placeOf } from '../../protocol/queue-range.ts'
import type { Ledger } from './ledger.ts'

/** How one that is ready has fared among the others. */
interface Wait {
  /** How often one that came later was claimed for the same origin. */
  overtaken: number
  /** How often one that came earlier was claimed, for any: it may have been the oldest one's turn. */
  behind: number
}

/** Every eighth claim is the oldest one's. */
const OLDEST_EVERY = 8
const SLACK = 3 * OLDEST_EVERY
/** What a killed sender had claimed was not counted. */
const AFTER_KILLS = 100

/**
 * Watches that nobody is overtaken for ever. Where there are several origins, or several senders without locks, the
 * turns of the oldest may fall to the others for a while.
 */
export function createStarvationAudit(ledger: Ledger): (before: ReadonlyMap<string, Mutation>) => void {
  const waits = new Map<string, Wait>()
  const { planned, report } = ledger
  const loss = planned.has('kill') || planned.has('storage') ? AFTER_KILLS : 0

  function assertServed(id: string, { overtaken, behind }: Wait): void {
    const factor = ledger.lockHolder() === undefined || planned.has('foreign') ? 6 : 1
    const most = factor * (OLDEST_EVERY * (behind + 1) + SLACK) + loss
    if (overtaken > most) report('nobody starves', `${id} was overtaken ${overtaken} times; ${most} is the most.`)
  }

  return before => {
    const now = [...ledger.queue.values()]
    const claimed = now.filter(({ id, lease }) => lease && before.get(id)?.lease?.token !== lease.token)
    for (const mutation of now) if (placeOf(mutation.key) !== 'ready') waits.delete(mutation.id)
    if (claimed.length === 0) return
    for (const one of now) {
      if (placeOf(one.key) !== 'ready' || one.principal !== ledger.present.principal) continue
      const wait = waits.get(one.id) ?? { overtaken: 0, behind: 0 }
      for (const other of claimed) {
        if (other.sequence < one.sequence) wait.behind += 1
        else if (originOf(other) === originOf(one)) wait.overtaken += 1
      }
      waits.set(one.id, wait)
      assertServed(one.id, wait)
    }
  }
}
