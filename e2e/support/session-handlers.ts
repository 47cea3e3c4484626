import type { HoldfastOptions } from 'holdfast'

/**
 * What an app with sign-in gives to page and worker. Its token is in Cache Storage, which both can read, so that a test can
 * see whether Holdfast puts it into IndexedDB.
 */
export const handlers: NonNullable<HoldfastOptions['handlers']> = {
  auth: {
    session: {
      headers: async () => ({ authorization: `Bearer ${await readToken()}` }),
      async refresh() {
        const response = await fetch('/session', { method: 'POST' })
        if (!response.ok) return false
        await (await caches.open('session')).put('/token', response)
        return true
      },
    },
  },
}

async function readToken(): Promise<string> {
  const stored = await (await caches.open('session')).match('/token')
  return stored ? stored.text() : 'none'
}
