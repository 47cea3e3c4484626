export interface VersionEvents {
  /** Gives nothing where the worker could not be registered. */
  registering: Promise<ServiceWorkerRegistration | undefined>
  /** Whether no version of this app had been active before. */
  isFirst: Promise<boolean>
  /** A version is ready beside the one that is active. Once for each. */
  onWaiting: () => void
  /** The first version ever is active. */
  onFirst: () => void
  /** A version could not be installed. */
  onFailure: () => void
}

/** Tells what becomes of each version: of those that are there, and of those that come. */
export async function watchVersions({ registering, isFirst, ...events }: VersionEvents): Promise<void> {
  const registration = await registering
  if (!registration) return
  const seen = new Set<ServiceWorker>()

  const look = () => {
    const { waiting, active, installing } = registration
    if (waiting && active && !seen.has(waiting)) {
      seen.add(waiting)
      events.onWaiting()
    }
    if (installing && !seen.has(installing)) follow(installing)
  }
  const follow = (coming: ServiceWorker) => {
    const onChange = () => {
      if (coming.state === 'redundant') events.onFailure()
      // What comes after that is no failure of its own: a newer version replaces one that waits.
      coming.removeEventListener('statechange', onChange)
      look()
    }
    coming.addEventListener('statechange', onChange)
  }
  registration.addEventListener('updatefound', look)
  look()

  if (!(await isFirst)) return
  const first = registration.installing ?? registration.waiting ?? registration.active
  if (first && (await reached(first, ['activated', 'redundant'])) === 'activated') events.onFirst()
}

/** Resolves when the worker is in one of these states, with that state. */
export function reached(worker: ServiceWorker, states: readonly ServiceWorkerState[]): Promise<ServiceWorkerState> {
  return new Promise(resolve => {
    const look = () => {
      if (!states.includes(worker.state)) return
      worker.removeEventListener('statechange', look)
      resolve(worker.state)
    }
    worker.addEventListener('statechange', look)
    look()
  })
}
