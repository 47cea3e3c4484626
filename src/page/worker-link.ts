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
  /** Gives the registration when its worker is active; nothing where there is none and none will come. */
  register: () => Promise<ServiceWorkerRegistration | undefined>
  /** Called once where the worker cannot be registered. */
  onFailure: (error: Error) => void
}

/** Takes hold of the worker. */
export function createWorkerLink({ name, register, onFailure }: WorkerLinkOptions): WorkerLink {
  let registration: ServiceWorkerRegistration | undefined
  const ready = register().then(
    found => {
      registration = found
      return found
    },
    error => {
      onFailure(error)
      return undefined
    },
  )
  return {
    ready,
    current: () => registration,
    ask: eager => registration?.active?.postMessage(drainRequest(name, eager)),
  }
}
