import { HoldfastError } from '../protocol/errors.ts'

/** The worker that a page wants. */
export interface WantedWorker {
  url: string
  scope?: string
  /** A worker that another plugin serves in development may be a module. */
  type?: WorkerType
}

/**
 * Registers the worker, which is harmless where it is registered already, and gives the registration when a worker of it
 * is active; nothing where its installation fails. Rejects with `worker-unavailable` where it cannot be registered.
 */
export async function registerWorker(
  container: ServiceWorkerContainer,
  worker: WantedWorker,
): Promise<ServiceWorkerRegistration | undefined> {
  try {
    return await activate(container, worker)
  } catch (cause) {
    throw registrationFailed(worker.url, cause)
  }
}

async function activate(
  container: ServiceWorkerContainer,
  { url, scope, type }: WantedWorker,
): Promise<ServiceWorkerRegistration | undefined> {
  // The HTTP cache must not keep an old worker alive.
  const registration = await container.register(url, { scope, type, updateViaCache: 'none' })
  if (registration.active) return registration
  const coming = registration.installing ?? registration.waiting
  if (coming) await settledState(coming)
  return registration.active ? registration : undefined
}

/** Resolves when a worker that is being installed is active, or is given up. */
function settledState(worker: ServiceWorker): Promise<void> {
  return new Promise(resolve => {
    const check = () => {
      if (worker.state !== 'activating' && worker.state !== 'activated' && worker.state !== 'redundant') return
      worker.removeEventListener('statechange', check)
      resolve()
    }
    worker.addEventListener('statechange', check)
    check()
  })
}

function registrationFailed(url: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'worker-unavailable',
    action: 'register the service worker',
    reason: `${url} could not be loaded or run (${cause instanceof Error ? cause.message : String(cause)})`,
    hint: 'Writes are kept, and sent while a page is open. Check the address, or pass { worker: false }.',
    cause,
  })
}
