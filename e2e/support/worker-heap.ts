import type { Browser, CDPSession } from '@playwright/test'

/** What a service worker really holds, without what is garbage. */
export interface WorkerHeap {
  /** In bytes: objects, the browser's part of them, and buffers. */
  held(): Promise<number>
}

/** Looks into the worker of that site, which has to be running. */
export async function openWorkerHeap(browser: Browser, url: string): Promise<WorkerHeap> {
  const devtools = await browser.newBrowserCDPSession()
  const { targetInfos } = await devtools.send('Target.getTargets')
  const target = targetInfos.find(({ type, url: script }) => type === 'service_worker' && script.startsWith(url))
  if (!target) throw new Error(`No service worker of ${url} is running.`)
  const send = await attach(devtools, target.targetId)
  return {
    async held() {
      await send('HeapProfiler.collectGarbage')
      const used = await send('Runtime.getHeapUsage')
      return ['usedSize', 'embedderHeapUsedSize', 'backingStorageSize'].reduce(
        (sum, name) => sum + (used[name] ?? 0),
        0,
      )
    },
  }
}

type Send = (method: string) => Promise<Record<string, number>>

/** Playwright gives sessions with pages only; to a worker, messages go through the browser's own. */
async function attach(devtools: CDPSession, targetId: string): Promise<Send> {
  const { sessionId } = await devtools.send('Target.attachToTarget', { targetId, flatten: false })
  const waiting = new Map<number, (result: Record<string, number>) => void>()
  devtools.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { id, result } = JSON.parse(message)
    waiting.get(id)?.(result)
    waiting.delete(id)
  })
  let sent = 0
  return async method => {
    sent += 1
    const id = sent
    const answer = new Promise<Record<string, number>>(resolve => waiting.set(id, resolve))
    await devtools.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method }) })
    return answer
  }
}
