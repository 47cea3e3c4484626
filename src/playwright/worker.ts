import type { BrowserContext, CDPSession, Page } from '@playwright/test'

export interface WorkerFixture {
  /** Resolves when the service worker is active and controls the page. */
  ready(page: Page): Promise<void>
  /**
   * Stops every service worker of the context at once, in the middle of whatever it does, as a browser may at any time.
   * Resolves when they have stopped. The next event starts them again. Needs an open page, and Chromium.
   */
  stop(): Promise<void>
}

export function createWorkerControl(context: BrowserContext): WorkerFixture {
  return {
    async ready(page) {
      await page.evaluate(async () => {
        const { serviceWorker } = navigator
        await serviceWorker.ready
        if (serviceWorker.controller) return
        await new Promise(resolve => serviceWorker.addEventListener('controllerchange', resolve, { once: true }))
      })
    },

    async stop() {
      const page = context.pages()[0]
      if (!page) throw new Error('Failed to stop the worker: no page is open. Open one first: await page.goto("/").')
      const session = await context.newCDPSession(page)
      const stopped = whenStopped(session)
      await session.send('ServiceWorker.enable')
      await session.send('ServiceWorker.stopAllWorkers')
      await stopped
      await session.detach()
    },
  }
}

/** Resolves when no worker of this page's origin runs any more. */
function whenStopped(session: CDPSession): Promise<void> {
  return new Promise(resolve => {
    const running = new Set<string>()
    session.on('ServiceWorker.workerVersionUpdated', ({ versions }) => {
      for (const { versionId, runningStatus } of versions) {
        if (runningStatus === 'stopped') running.delete(versionId)
        else running.add(versionId)
      }
      if (running.size === 0) resolve()
    })
  })
}
