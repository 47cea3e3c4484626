import { reached } from './watch-versions.ts'

/**
 * Lets the version that waits take over, once `whenFree` says that this tab could be reloaded, and resolves when it has.
 * Not before: it deletes the files of the version that an open page still runs. Where a newer version has come meanwhile,
 * that one takes over.
 */
export async function takeOver(
  registration: ServiceWorkerRegistration,
  whenFree: () => Promise<boolean>,
): Promise<void> {
  while (registration.waiting) {
    if (!(await whenFree())) return
    const { waiting } = registration
    waiting?.postMessage({ type: 'SKIP_WAITING' })
    if (waiting && (await reached(waiting, ['activated', 'redundant'])) === 'activated') return
  }
}

export interface ReplacedOptions {
  container: ServiceWorkerContainer
  registering: Promise<ServiceWorkerRegistration | undefined>
  signal: AbortSignal
  onReplaced: () => void
}

/**
 * Tells once that another version has taken over this page, whichever tab asked for it. The first worker that a page ever
 * gets replaces nothing. A page that was reloaded past its worker has none, but one may be active.
 */
export function onReplaced({ container, registering, signal, onReplaced }: ReplacedOptions): void {
  let known = container.controller
  let isReplaced = false
  void registering.then(registration => {
    known ??= registration?.active ?? null
  })
  container.addEventListener(
    'controllerchange',
    () => {
      const before = known
      known = container.controller
      if (!before || !known || known === before || isReplaced) return
      isReplaced = true
      onReplaced()
    },
    { signal },
  )
}
