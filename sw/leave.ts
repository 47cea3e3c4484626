export interface LeaveOptions {
  /** Caches that the app's own rules have named. */
  cacheNames: readonly string[]
}

/**
 * Makes a worker that ends what an earlier one of this scope has begun: it takes over at once, deletes the caches and
 * unregisters. The outbox's database stays: what waits in it is the person's, and a page may still send it.
 *
 * Pages of the version before it are claimed, so that those which follow updates reload, each at its own moment.
 */
export function leave({ cacheNames }: LeaveOptions): void {
  const scope = globalThis as unknown as ServiceWorkerGlobalScope
  scope.addEventListener('install', event => event.waitUntil(scope.skipWaiting()))
  scope.addEventListener('activate', event => event.waitUntil(endAll(scope, cacheNames)))
}

async function endAll(scope: ServiceWorkerGlobalScope, cacheNames: readonly string[]): Promise<void> {
  // Another app of this origin, of another scope, has caches of its own.
  const suffix = `:${scope.registration.scope}`
  const isOurs = (name: string) => name.startsWith('holdfast:') && name.endsWith(suffix)
  const names = await scope.caches.keys()
  await Promise.all([...names.filter(isOurs), ...cacheNames].map(name => scope.caches.delete(name)))
  await scope.clients.claim()
  await scope.registration.unregister()
}
