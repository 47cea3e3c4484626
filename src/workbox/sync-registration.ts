/** The event of the WICG Background Sync draft (§6.3), as far as a queue needs it. */
export interface SyncEvent extends Event {
  readonly tag: string
  /** Whether the browser will not come again for this tag if the event fails. */
  readonly lastChance: boolean
  waitUntil(promise: Promise<unknown>): void
}

interface SyncRegistration {
  sync?: { register(tag: string): Promise<void> }
}

/** The tag of Workbox: what an app has registered before it moved over starts its new worker too. */
export function syncTagOf(queueName: string): string {
  return `workbox-background-sync:${queueName}`
}

/** Whether this is a service worker whose browser has Background Sync. */
export function hearsSync(): boolean {
  const { registration } = globalThis as { registration?: object }
  return registration !== undefined && 'sync' in registration
}

/** Calls `handle` for each `sync` event of that tag. */
export function onSyncEvent(tag: string, handle: (event: SyncEvent) => Promise<void>): void {
  globalThis.addEventListener('sync', event => {
    const sync = event as SyncEvent
    if (sync.tag === tag) sync.waitUntil(handle(sync))
  })
}

/** Asks the browser for a `sync` event. It may refuse, because a person has switched that off: the next start sends too. */
export async function registerSyncTag(tag: string): Promise<void> {
  try {
    const registration = await findRegistration()
    await registration?.sync?.register(tag)
  } catch {
    // As Workbox does: the request is on record, which is what counts.
  }
}

/** A worker has its own; a page has that of its worker. */
async function findRegistration(): Promise<SyncRegistration | undefined> {
  const { registration, navigator } = globalThis as {
    registration?: SyncRegistration
    navigator?: { serviceWorker?: { getRegistration(): Promise<SyncRegistration | undefined> } }
  }
  return registration ?? navigator?.serviceWorker?.getRegistration()
}
