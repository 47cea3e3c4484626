import { drainRequest } from '../protocol/messages.ts'

/** The page's side of the service worker. */
export interface WorkerLink {
  /** The registration once a worker of it is active; undefined where there is none and none will come. */
  ready: Promise<ServiceWorkerRegistration | undefined>
  /** The same, or nothing after two seconds: a worker that takes longer to be installed is not waited for. */
  soon(): Promise<ServiceWorkerRegistration | undefined>
  /** The same, as far as it is known at this moment. */
  current(): ServiceWorkerRegistration | undefined
  /** Asks the worker to look at the queue, without waiting for an answer. */
  ask(eager: boolean): void
}

export interface WorkerLinkOptions {
  name: string
  /** Gives the registration when its worker is active; nothing where there is none and none will come. */
  register: () => Promise<ServiceWorkerRegistration | undefined>
  sleep: (delayMs: number) => Promise<void>
  /** Called once where the worker cannot be registered. */
  onFailure: (error: Error) => void
}

/** Takes hold of the worker. */
export function createWorkerLink({ name, register, sleep, onFailure }: WorkerLinkOptions): WorkerLink {
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
    soon: async () => (await Promise.race([ready, sleep(PATIENCE_MS)])) ?? undefined,
    current: () => registration,
    ask: eager => registration?.active?.postMessage(drainRequest(name, eager)),
  }
}

const PATIENCE_MS = 2_000
