import { HELD_KEY, type HoldRecord } from '../src/outbox/pause.ts'
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
  /** Why nothing is sent of what waits, where a server asked who this is. */
  held: HoldRecord | undefined
  /** The app's own. */
  origin: string
  now: () => number
}

/** Reads what the app's pages have said. Rejects where a newer version of the app has, which this worker does not understand. */
export async function readContext(storage: Storage): Promise<Pick<CaptureContext, 'settings' | 'principal' | 'held'>> {
  const keys = [SETTINGS_KEY, PRINCIPAL_KEY, HELD_KEY]
  const [stored, principal, held] = (await storage.database.read('meta', meta =>
    Promise.all(keys.map(key => answerOf(meta.get(key)))),
  )) as [Partial<Settings>?, string?, HoldRecord?]
  if (Number(stored?.version) > PROTOCOL_VERSION) throw new Error('A newer version of the app has written the settings')
  return { settings: { ...DEFAULT_SETTINGS, ...stored }, principal, held }
}

/** Ends that hold, unless there is another one by now. */
export function endHold(storage: Storage, { at }: HoldRecord): Promise<void> {
  return storage.transact(['meta'], 'readwrite', async tx => {
    const meta = tx.objectStore('meta')
    const held: HoldRecord | undefined = await meta.get(HELD_KEY)
    if (held?.at === at) await meta.delete(HELD_KEY)
  })
}

/** A write that came before, and how it stands. `ended`: otherwise than by a confirmation. */
export interface Known {
  id: string
  state: 'waiting' | 'confirmed' | 'ended'
}

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

/** Which of these is on record. */
export function findKnown(storage: Storage, ids: string[]): Promise<Known | undefined> {
  return storage.transact(['mutations', 'dead', 'meta'], 'readonly', tx => findKnownIn(tx, ids))
}

/** A transaction over the queue, as far as it is read here. */
interface Reading {
  objectStore(name: 'mutations'): { index(name: 'id'): { getKey(key: string): Promise<unknown> } }
  objectStore(name: 'dead'): { getKey(key: string): Promise<unknown> }
  objectStore(name: 'meta'): { get(key: string): Promise<unknown> }
}

/** In one transaction, so that none can end in between. */
export async function findKnownIn(tx: Reading, ids: string[]): Promise<Known | undefined> {
  const [waiting, dead, meta] = [
    tx.objectStore('mutations').index('id'),
    tx.objectStore('dead'),
    tx.objectStore('meta'),
  ]
  const all = await Promise.all(
    ids.map(async (id): Promise<Known | undefined> => {
      const [place, letter, ended] = await Promise.all([
        waiting.getKey(id),
        dead.getKey(id),
        meta.get(settledKey(id)) as Promise<SettledRecord | undefined>,
      ])
      if (place !== undefined) return { id, state: 'waiting' }
      if (ended) return { id, state: ended.settlement.kind === 'confirmed' ? 'confirmed' : 'ended' }
      return letter === undefined ? undefined : { id, state: 'ended' }
    }),
  )
  return all.find(known => known !== undefined)
}
