import { type BrowserContext, expect } from '@playwright/test'

/** What Chromium says about the one-shot `sync` registrations of a profile, by tag. */
export interface SyncEvents {
  /** How often each tag that was registered was tried. */
  tries(): Record<string, number>
  /** The tags for which the browser will come again; for the others the write was done, or the last try failed. */
  left(): string[]
  /** Ends the worker, as the browser does after a while with one that has no event. An attached test keeps it running. */
  stopWorker(): Promise<void>
}

/**
 * Chromium's `initial_retry_delay_sec` is 300, its factor 3, and an event may last 180 s: with these, three tries take
 * half a minute. That an event has lasted too long is noticed every ten seconds only.
 */
export const QUICK_SYNC = [
  '--force-fieldtrials=BackgroundSync/Quick',
  '--force-fieldtrial-params=BackgroundSync.Quick:initial_retry_delay_sec/1/retry_delay_factor/1/max_sync_event_duration_sec/2',
]

/** Begins to listen, from a tab of its own that is no tab of the app. */
export async function recordSyncEvents(context: BrowserContext): Promise<SyncEvents> {
  const devtools = await context.newCDPSession(await context.newPage())
  const tries: Record<string, number> = {}
  const over = new Set<string>()
  devtools.on('BackgroundService.backgroundServiceEventReceived', ({ backgroundServiceEvent }) => {
    const { eventName, instanceId: tag } = backgroundServiceEvent
    if (eventName === 'Registered sync') tries[tag] ??= 0
    if (eventName === 'Dispatched sync event') tries[tag] = (tries[tag] ?? 0) + 1
    if (eventName === 'Sync completed') over.add(tag)
  })
  await devtools.send('BackgroundService.startObserving', { service: 'backgroundSync' })
  await devtools.send('BackgroundService.setRecording', { service: 'backgroundSync', shouldRecord: true })
  return {
    tries: () => tries,
    left: () => Object.keys(tries).filter(tag => !over.has(tag)),
    async stopWorker() {
      const browser = await context.browser()?.newBrowserCDPSession()
      const running = async () => {
        const { targetInfos = [] } = (await browser?.send('Target.getTargets')) ?? {}
        return targetInfos.filter(({ type }) => type === 'service_worker')
      }
      for (const { targetId } of await running()) await browser?.send('Target.closeTarget', { targetId })
      await expect.poll(running).toEqual([])
    },
  }
}
