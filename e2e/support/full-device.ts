import type { Page } from '@playwright/test'

/** The room that a site has for everything that it stores. */
export interface Room {
  limit(bytes: number): Promise<void>
  lift(): Promise<void>
}

/**
 * Limits the room of a site. Chromium reckons for a while with what it last found to be left, and looks anew when that is
 * used up: the first limit has to come before the first write; that it was lifted is noticed at once.
 */
export async function roomOf(page: Page, url: string): Promise<Room> {
  // The limit ends with the session, which ends with the page.
  const devtools = await page.context().newCDPSession(page)
  const { origin } = new URL(url)
  return {
    limit: async quotaSize => void (await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize })),
    lift: async () => void (await devtools.send('Storage.overrideQuotaForOrigin', { origin })),
  }
}

/** What was taken, by address, and how large each body is; and the errors of what was not. */
export interface Filling {
  taken: Record<string, number>
  refusals: { name: string; code: string }[]
}

/** Writes large bodies, then smaller ones, until not even the smallest is taken. */
export function fillDevice(page: Page): Promise<Filling> {
  return page.evaluate(async () => {
    const filling: Filling = { taken: {}, refusals: [] }
    for (const size of [100_000, 10_000, 1_000, 1]) {
      for (let count = 0; ; count += 1) {
        const url = `/${size}/${count}`
        // What can be compressed would not fill anything.
        const body = Uint8Array.from({ length: size }, () => Math.random() * 256)
        const refusal = await window.hf.mutate({ url, body }).catch(({ name, code }) => ({ name, code }))
        if ('code' in refusal) {
          filling.refusals.push(refusal)
          break
        }
        filling.taken[url] = size
      }
    }
    return filling
  })
}

/** How many records a store of the outbox has, whether or not anything refers to them. */
export function countRecords(page: Page, store: string): Promise<number> {
  return page.evaluate(
    store =>
      new Promise<number>((resolve, reject) => {
        const opening = indexedDB.open('holdfast')
        opening.onerror = () => reject(opening.error)
        opening.onsuccess = () => {
          const counting = opening.result.transaction(store).objectStore(store).count()
          counting.onsuccess = () => resolve(counting.result)
          counting.onerror = () => reject(counting.error)
          opening.result.close()
        }
      }),
    store,
  )
}
