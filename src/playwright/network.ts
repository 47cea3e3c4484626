import type { BrowserContext } from '@playwright/test'

export interface NetworkFixture {
  /** No request of a page or of a service worker gets through, and `navigator.onLine` is false in both. */
  offline(): Promise<void>
  /** Undoes it; Chromium then fires the `sync` events that wait, also with no page open. */
  online(): Promise<void>
}

export function createNetwork(context: BrowserContext): NetworkFixture {
  return {
    offline: () => context.setOffline(true),
    online: () => context.setOffline(false),
  }
}
