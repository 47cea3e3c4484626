import { PRINCIPAL_KEY } from '../src/outbox/principal.ts'
import { DEFAULT_SETTINGS, SETTINGS_KEY, type Settings } from '../src/outbox/settings.ts'
import { type SettledRecord, settledKey } from '../src/outbox/settled.ts'
import { PROTOCOL_VERSION } from '../src/protocol/messages.ts'
import { entityKey } from '../src/protocol/mutation.ts'
import { answerOf } from '../src/storage/database.ts'
import type { Storage } from '../src/storage/open-storage.ts'

/** By what a write is captured: whose it is, and how the app wants things sent. */
export interface CaptureContext {
  settings: Settings
  principal: string | undefined
  /** The app's own. */
  origin: string
  now: () => number
}

/** Reads what the app's pages have said. Rejects where a newer version of the app has, which this worker does not understand. */
export async function readContext(storage: Storage): Promise<Pick<CaptureContext, 'settings' | 'principal'>> {
  const [stored, principal]: [Partial<Settings>?, string?] = await storage.database.read('meta', async meta => {
    const [settings, owner] = await Promise.all([SETTINGS_KEY, PRINCIPAL_KEY].map(key => answerOf(meta.get(key))))
    return [settings, owner]
  })
  if (Number(stored?.version) > PROTOCOL_VERSION) throw new Error('A newer version of the app has written the settings')
  return { settings: { ...DEFAULT_SETTINGS, ...stored }, principal }
}

/** What the outbox knows of a write already. `ended`: otherwise than by a confirmation. */
export type Known = 'waiting' | 'confirmed' | 'ended'

/** Whether something of that entity waits: what comes later must not overtake it. */
export async function isWaitedFor(
  storage: Storage,
  entity: string,
  { principal }: Pick<CaptureContext, 'principal'>,
): Promise<boolean> {
  const key = entityKey(entity, principal)
  const first = await storage.database.read('mutations', mutations =>
    answerOf(mutations.index('entity').getKey(IDBKeyRange.bound([key], [key, []]))),
  )
  return first !== undefined
}

/** How a write stands that came before, in one transaction, so that it cannot end in between. */
export function findKnown(storage: Storage, id: string): Promise<Known | undefined> {
  return storage.transact(['mutations', 'dead', 'meta'], 'readonly', async tx => {
    const [waiting, dead, ended]: [unknown, unknown, SettledRecord?] = await Promise.all([
      tx.objectStore('mutations').index('id').getKey(id),
      tx.objectStore('dead').getKey(id),
      tx.objectStore('meta').get(settledKey(id)),
    ])
    if (waiting !== undefined) return 'waiting'
    if (ended) return ended.settlement.kind === 'confirmed' ? 'confirmed' : 'ended'
    return dead === undefined ? undefined : 'ended'
  })
}
