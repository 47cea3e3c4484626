import type { Page } from '@playwright/test'

/** Has a page fetch the version of the worker that the server has, and lets it take over. */
export function takeNewVersion(page: Page): Promise<void> {
  return page.evaluate(async () => {
    const changed = new Promise<void>(done => {
      navigator.serviceWorker.addEventListener('controllerchange', () => done(), { once: true })
    })
    const registration = await navigator.serviceWorker.ready
    await registration.update()
    const worker = registration.installing ?? registration.waiting
    const hurry = () => worker?.state === 'installed' && worker.postMessage({ type: 'SKIP_WAITING' })
    worker?.addEventListener('statechange', hurry)
    hurry()
    await changed
  })
}
