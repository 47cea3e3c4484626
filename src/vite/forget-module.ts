import type { WorkerLocation } from './worker-location.ts'

/**
 * Writes the module that pages load in `vite dev` when the worker is left out: one that an earlier session has registered
 * would go on answering their requests. Only a worker of this address and scope is taken away, and never that of a mock
 * server or of another app. A page that it controls is loaded anew, once: it cannot let go of it otherwise.
 */
export function forgetModule({ url, scope }: WorkerLocation, cacheNames: readonly string[]): string {
  return `const forget = async () => {
  const ours = new URL(${JSON.stringify(url)}, location.href).href
  const scope = new URL(${JSON.stringify(scope)}, location.href).href
  const { serviceWorker } = navigator
  const registrations = await serviceWorker.getRegistrations()
  const found = registrations.find(registration => registration.scope === scope)
  if (![found?.active, found?.waiting, found?.installing].some(worker => worker?.scriptURL === ours)) return
  await found.unregister()
  const isOurs = name => name.startsWith('holdfast:') && name.endsWith(':' + scope)
  const names = (await caches.keys()).filter(isOurs)
  await Promise.all([...names, ...${JSON.stringify(cacheNames)}].map(name => caches.delete(name)))
  console.info('holdfast: took away the service worker of an earlier session (dev: false).')
  if (serviceWorker.controller?.scriptURL === ours) location.reload()
}
if ('serviceWorker' in navigator) forget().catch(error => console.warn('holdfast:', error))
export {}
`
}

/**
 * What is added to the worker that takes its leave in `vite dev`. A page that the old one has answered may be of another
 * day, and has no module that could find out: it is loaded anew. A page that has just registered it is not.
 */
export const RELOAD_OLD_PAGES = `
let followsAnother = false
self.addEventListener('install', () => {
  followsAnother = self.registration.active !== null
})
self.addEventListener('activate', event => {
  const reload = async () => {
    await self.clients.claim()
    const pages = await self.clients.matchAll({ type: 'window' })
    // First: a page that is loaded while there is a registration is controlled again.
    await self.registration.unregister()
    for (const page of pages) page.navigate(page.url).catch(() => undefined)
  }
  if (followsAnother) event.waitUntil(reload())
})
`
