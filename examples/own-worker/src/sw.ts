import { type PrecacheEntry, startHoldfast } from 'holdfast/sw'

declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: PrecacheEntry[] }

startHoldfast({
  manifest: self.__WB_MANIFEST,
  caching: [{ match: '/api/**', strategy: 'network-first', timeoutMs: 3000 }],
})

// Everything below is the app's own. Holdfast answers only what it has a rule for, and ignores messages of others.

/** What another app shares comes as a form, which no server has to see: it opens the app with the text filled in. */
self.addEventListener('fetch', event => {
  const { method, url } = event.request
  if (method === 'POST' && new URL(url).pathname === '/share') event.respondWith(openWithShared(event.request))
})

async function openWithShared(request: Request): Promise<Response> {
  const form = await request.formData()
  return Response.redirect(`/?${new URLSearchParams({ text: String(form.get('text') ?? '') })}`, 303)
}

/** Your server pushes the text of a new message. To try it: developer tools, Application, Service workers, Push. */
self.addEventListener('push', event => {
  const body = event.data?.text() ?? 'Something new is on the board.'
  event.waitUntil(self.registration.showNotification('Crew board', { body, icon: '/icon.svg' }))
})

self.addEventListener('notificationclick', event => {
  event.notification.close()
  event.waitUntil(self.clients.openWindow('/'))
})

/** The page says that the board was read: its notifications are old news. */
self.addEventListener('message', event => {
  if (event.data?.type === 'BOARD_READ') event.waitUntil(closeNotifications())
})

async function closeNotifications(): Promise<void> {
  for (const notification of await self.registration.getNotifications()) notification.close()
}
