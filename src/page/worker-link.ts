import { HoldfastError } from '../protocol/errors.ts'
import { drainRequest } from '../protocol/messages.ts'

/** The page's side of the service worker. */
export interface WorkerLink {
  /** The registration once a worker of it is active; undefined where there is none and none will come. */
  ready: Promise<ServiceWorkerRegistration | undefined>
  /** The same, as far as it is known at this moment. */
  current(): ServiceWorkerRegistration | undefined
  /** Asks the worker to look at the queue, without waiting for an answer. */
  ask(eager: boolean): void
}

export interface WorkerLinkOptions {
  name: string
  worker: { url: string; scope?: string } | undefined
  /** Undefined in an insecure context and where the engine has no service workers. */
  container: ServiceWorkerContainer | undefined
  /** Called once where the worker cannot be registered. */
  onFailure: (error: HoldfastError) => void
}

/** Registers the worker and keeps hold of it. Registering the same address again is harmless. */
export function createWorkerLink({ name, worker, container, onFailure }: WorkerLinkOptions): WorkerLink {
  let registration: ServiceWorkerRegistration | undefined
  const ready = worker && container ? activate(container, worker).catch(failed) : Promise.resolve(undefined)
  const known = ready.then(found => {
    registration = found
    return found
  })

  function failed(cause: unknown): undefined {
    onFailure(registrationFailed(worker?.url ?? '', cause))
  }

  return {
    ready: known,
    current: () => registration,
    ask: eager => registration?.active?.postMessage(drainRequest(name, eager)),
  }
}

async function activate(
  container: ServiceWorkerContainer,
  { url, scope }: { url: string; scope?: string },
): Promise<ServiceWorkerRegistration | undefined> {
  // The HTTP cache must not keep an old worker alive.
  const registration = await container.register(url, { scope, updateViaCache: 'none' })
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
