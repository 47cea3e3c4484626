import { HoldfastError } from '../protocol/errors.ts'
import { type DrainReply, type DrainRequest, type DrainResult, PROTOCOL_VERSION } from '../protocol/messages.ts'

/** The page's side of the service worker. */
export interface WorkerLink {
  /** The registration once a worker of it is active; undefined where there is none and none will come. */
  ready: Promise<ServiceWorkerRegistration | undefined>
  /** The same, as far as it is known at this moment. */
  current(): ServiceWorkerRegistration | undefined
  /** Asks the worker to look at the queue, without waiting for an answer. */
  ask(eager: boolean): void
  /**
   * Asks it, and waits until nothing more is due. Rejects with `worker-unavailable` where the worker does not answer
   * within 30 s, which a browser may cause by stopping it.
   */
  drain(signal: AbortSignal): Promise<DrainResult>
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
  const request = (eager: boolean): DrainRequest => ({ holdfast: PROTOCOL_VERSION, type: 'drain', name, eager })

  return {
    ready: known,
    current: () => registration,
    ask: eager => registration?.active?.postMessage(request(eager)),
    async drain(signal) {
      const active = (await known)?.active
      if (!active) throw unanswered()
      return askAndWait(active, request(true), signal)
    },
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

const ANSWER_TIMEOUT_MS = 30_000

function askAndWait(worker: ServiceWorker, request: DrainRequest, signal: AbortSignal): Promise<DrainResult> {
  const { port1, port2 } = new MessageChannel()
  return new Promise<DrainResult>((resolve, reject) => {
    const late = AbortSignal.any([AbortSignal.timeout(ANSWER_TIMEOUT_MS), signal])
    late.addEventListener('abort', () => reject(unanswered()), { once: true })
    port1.onmessage = ({ data }: MessageEvent<DrainReply>) => {
      if (data.ok) resolve(data.result)
      else reject(unanswered(data.message))
    }
    worker.postMessage(request, [port2])
  }).finally(() => port1.close())
}

function unanswered(reason = 'the service worker did not answer'): HoldfastError {
  return new HoldfastError({
    code: 'worker-unavailable',
    action: 'sync',
    reason,
    hint: 'Nothing is lost: the writes stay in the outbox, and the next trigger goes on.',
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
