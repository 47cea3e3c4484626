import type { Chromium, Tab } from './chromium.ts'
import { until } from './until.ts'

/** Has the browser write down what it does for Background Sync. It goes on when the tab is closed. */
export async function keepSyncLog(tab: Tab): Promise<void> {
  await tab.send('BackgroundService.setRecording', { service: 'backgroundSync', shouldRecord: true })
}

/** Resolves when the log says that a `sync` event was given to a worker since that time, in milliseconds since the epoch. */
export async function sawSyncEvent(browser: Chromium, since = 0): Promise<void> {
  const dispatchedAt: number[] = []
  browser.onEvent(({ method, params }) => {
    if (method !== 'BackgroundService.backgroundServiceEventReceived') return
    const { eventName, timestamp } = params.backgroundServiceEvent as { eventName: string; timestamp: number }
    if (eventName === 'Dispatched sync event') dispatchedAt.push(timestamp * 1000)
  })
  const tab = await browser.openTab('about:blank')
  await tab.send('BackgroundService.startObserving', { service: 'backgroundSync' })
  await until('the browser has logged a sync event', () => dispatchedAt.some(at => at >= since))
  await tab.close()
}
