import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from './support/demo.ts'
import { startChromium } from './support/own-chromium.ts'
import { QUICK_SYNC, recordSyncEvents } from './support/sync-events.ts'

const TEXTS = ['Low tide at noon', 'Two seals on the rocks', 'Wind turned north']

test('what three sync attempts could not deliver, with the server down and no tab open, is delivered at the next visit', async ({
  server,
}) => {
  test.setTimeout(120_000)
  const profile = await mkdtemp(join(tmpdir(), 'holdfast-profile-'))
  const { page, kill } = await startChromium(profile, server.url, QUICK_SYNC)
  try {
    const context = page.context()
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
    const sync = await recordSyncEvents(context)
    await server.stop()
    await page.evaluate(async texts => {
      for (const text of texts) {
        const json = { id: crypto.randomUUID(), text, writtenAt: new Date().toISOString() }
        await window.hf.mutate({ url: '/api/notes', entity: 'notes', json })
      }
    }, TEXTS)
    await expect.poll(() => Object.keys(sync.tries()).length).toBeGreaterThan(0)
    await page.close()

    await expect.poll(() => sync.left(), { timeout: 60_000 }).toEqual([])
    expect(Math.min(...Object.values(sync.tries()))).toBeGreaterThanOrEqual(3)
    await sync.stopWorker()
    await server.start()
    expect(await server.notes()).toEqual([])

    const visit = await context.newPage()
    await visit.goto(server.url)
    const texts = async () => (await server.notes()).map(({ text }) => text)
    await expect.poll(texts, { timeout: 30_000 }).toEqual(TEXTS)
    await expect.poll(() => visit.evaluate(() => window.hf.outbox.count())).toBe(0)
    expect(new Set(server.writes.map(({ key }) => key)).size).toBe(TEXTS.length)
  } finally {
    await kill()
    await rm(profile, { recursive: true, force: true })
  }
})
