import { identify, PRINCIPAL_KEY } from '../outbox/principal.ts'
import { DEFAULT_SETTINGS, SETTINGS_KEY, type Settings } from '../outbox/settings.ts'
import { isHoldfastError } from '../protocol/errors.ts'
import { laneOf } from '../protocol/queue-key.ts'
import { answerOf } from '../storage/database.ts'
import type { Storage } from '../storage/open-storage.ts'

/** Who uses this page, and how this app wants things sent: what the database must know before the first write. */
export interface User {
  principal(): string | undefined
  /** Whose a write is that is made now, although it is stored later: asked once the storage is open. */
  owner(): () => string | undefined
  /** The lane of this one's mutations. */
  lane(): string
  /** Tells the database what the options of this page say; or learns from it what they do not say. */
  introduce(storage: Storage): Promise<void>
  identify(storage: Storage, principal: string | undefined): Promise<void>
  /** Another tab may have said who uses the app. A page that was told so itself goes on recording for that one. */
  follow(storage: Storage): Promise<void>
}

export interface UserOptions {
  principal: string | null | undefined
  settings: Settings
}

export function createUser(options: UserOptions): User {
  let isTold = options.principal !== undefined
  let isKnown = isTold
  let principal = options.principal ?? undefined
  let first: string | undefined

  async function follow(storage: Storage): Promise<void> {
    if (!isTold) principal = (await storage.database.get<string>('meta', PRINCIPAL_KEY)) ?? undefined
  }

  return {
    principal: () => principal,
    owner() {
      const now = principal
      // Before the storage is open nobody knows; then it was whoever was found there.
      return isKnown ? () => now : () => first
    },
    lane: () => laneOf(principal),
    follow,

    async introduce(storage) {
      const [settings, stored] = await readBoth(storage)
      // A newer version of the app has the say; see `outdated` in `begin-run`.
      const isNew =
        (settings.version ?? 0) <= options.settings.version &&
        JSON.stringify(options.settings) !== JSON.stringify(settings)
      if (isNew) await unlessFull(storage.meta.setItem(SETTINGS_KEY, options.settings))
      if (isTold && stored !== principal) await unlessFull(identify(storage, principal))
      if (!isTold) principal = stored
      first = principal
      isKnown = true
    },

    async identify(storage, next) {
      await identify(storage, next)
      isTold = true
      principal = next
    },
  }
}

/** A device that is full must not keep anybody from looking at what waits. The next visit tells the database again. */
async function unlessFull(told: Promise<unknown>): Promise<void> {
  await told.catch(error => {
    if (!isHoldfastError(error) || error.code !== 'quota-exceeded') throw error
    console.warn(error.message)
  })
}

function readBoth({ database }: Storage): Promise<[Settings, string | undefined]> {
  return database.read('meta', async meta => {
    const [settings, principal] = await Promise.all([SETTINGS_KEY, PRINCIPAL_KEY].map(key => answerOf(meta.get(key))))
    // Where nothing is said, it is what the first version took for granted.
    return [settings ?? { ...DEFAULT_SETTINGS, version: 1 }, principal]
  })
}
