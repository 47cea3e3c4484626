/** What the WICG draft of Periodic Background Sync adds to a registration (§4.1), which TypeScript does not know. */
interface PeriodicSyncManager {
  register(tag: string, options: { minInterval: number }): Promise<void>
}

/** Chromium comes no more often than this (WICG §4.3). Milliseconds. */
const TWICE_A_DAY_MS = 12 * 60 * 60 * 1000

/**
 * Has the browser wake the worker now and then, where it does that at all: in Chromium, for apps that are installed and
 * used. It is the last of the triggers, for what three sync events could not deliver. Rejects where the browser refuses.
 */
export async function registerPeriodicSync(registration: ServiceWorkerRegistration, tag: string): Promise<void> {
  const { periodicSync } = registration as { periodicSync?: PeriodicSyncManager }
  if (!periodicSync) return
  const name = 'periodic-background-sync' as PermissionName
  const { state } = await navigator.permissions.query({ name })
  if (state === 'granted') await periodicSync.register(tag, { minInterval: TWICE_A_DAY_MS })
}
