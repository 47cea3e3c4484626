import type { RegisterOptions, Updates } from 'virtual:holdfast'
import { tellAll } from '../tabs/tell-all.ts'
import { checkRegularly } from './check-regularly.ts'
import { createFreeMoment } from './free-moment.ts'
import { onReplaced, takeOver } from './take-over.ts'
import { watchVersions } from './watch-versions.ts'
import { installFailed, noWorkers, registrationFailed } from './worker-failure.ts'

/** What the plugin has built, or serves. */
export interface BuiltWorker {
  url: string
  scope: string
  /** The outbox that it delivers. */
  name: string
  /** A worker that another plugin serves in development may be a module. */
  type?: WorkerType
}

/** With the worker of the app this is what `virtual:holdfast` exports; `false` where there is none. */
export function registerHoldfast(worker: BuiltWorker | false, options: RegisterOptions = {}): Updates {
  if (!worker || typeof document === 'undefined') return { update: async () => {}, check: async () => {} }
  return followUpdates(worker, options, {
    container: navigator.serviceWorker,
    locks: navigator.locks,
    window: globalThis,
    document,
    isOnline: () => navigator.onLine !== false,
    now: () => performance.now(),
    reload: () => location.reload(),
  })
}

/** What a page gives. */
export interface UpdatePorts {
  /** An insecure context has none. */
  container: ServiceWorkerContainer | undefined
  locks: LockManager | undefined
  window: EventTarget
  document: EventTarget & Pick<Document, 'readyState' | 'visibilityState' | 'baseURI'>
  isOnline: () => boolean
  /** Milliseconds that only grow. */
  now: () => number
  reload: () => void
}

/** Follows the versions of one worker; what is promised is told in virtual.d.ts. */
export function followUpdates(worker: BuiltWorker, options: RegisterOptions, ports: UpdatePorts): Updates {
  const { container } = ports
  const signal = options.signal ?? new AbortController().signal
  const tell = <T>(fn: ((value: T) => void) | undefined, value: T) => {
    if (fn && !signal.aborted) tellAll([fn], value)
  }
  if (!container) {
    tell(options.onError, noWorkers())
    return { update: async () => {}, check: async () => {} }
  }
  const moment = createFreeMoment({ ...ports, name: worker.name, mayReload: options.mayReload, signal })
  const registering = register(container, worker, ports).then(
    registration => {
      tell(options.onRegistered, registration)
      return registration
    },
    (cause: unknown) => {
      tell(options.onError, registrationFailed(worker.url, cause))
      return undefined
    },
  )
  let updating: Promise<void> | undefined
  const updates: Updates = {
    update() {
      updating ??= registering
        .then(registration => registration && takeOver(registration, moment.whenFree))
        .finally(() => {
          updating = undefined
        })
      return updating
    },
    async check() {
      const registration = await registering
      // The server may be out of reach, and the registration may be gone: there is a next time.
      await registration?.update().catch(() => undefined)
    },
  }
  const onWaiting = () => {
    if (options.mode === 'auto') void updates.update()
    else tell(options.onNeedRefresh, undefined)
  }
  void watchVersions({
    registering,
    isFirst: isFirstVisit(container, worker, ports),
    onWaiting,
    onFirst: () => tell(options.onOfflineReady, undefined),
    onFailure: () => tell(options.onError, installFailed(worker.url)),
  })
  onReplaced({ container, registering, signal, onReplaced: () => void moment.reload() })
  checkRegularly(updates.check, { ...ports, signal })
  return updates
}

/** After the load event, so that the precache does not compete with the page's own first requests. */
async function register(
  container: ServiceWorkerContainer,
  { url, scope, type }: BuiltWorker,
  { window, document }: UpdatePorts,
): Promise<ServiceWorkerRegistration> {
  if (document.readyState !== 'complete') {
    await new Promise(resolve => window.addEventListener('load', resolve, { once: true }))
  }
  // The HTTP cache must not keep an old worker alive.
  return container.register(url, { scope, type, updateViaCache: 'none' })
}

/** Looks before anything is registered: nothing of this app is stored yet. */
async function isFirstVisit(
  container: ServiceWorkerContainer,
  { scope }: BuiltWorker,
  { document }: UpdatePorts,
): Promise<boolean> {
  const found = await container.getRegistration(scope).catch(() => undefined)
  // Where there is none of this scope, the browser gives one of a wider scope.
  return !found?.active || found.scope !== new URL(scope, document.baseURI).href
}
