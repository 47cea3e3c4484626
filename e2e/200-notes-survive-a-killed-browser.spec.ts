import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MutationInput } from 'holdfast'
import { expect, test } from './support/demo.ts'
import { startChromium } from './support/own-chromium.ts'

const COUNT = 200

test('200 notes written offline survive a browser that is killed, and arrive once, in order', async ({ server }) => {
  const profile = await mkdtemp(join(tmpdir(), 'holdfast-profile-'))
  const first = await startChromium(profile, server.url)
  await first.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
  await first.page.context().setOffline(true)
  await first.page.evaluate(async count => {
    const { hf } = window as unknown as { hf: { mutate(input: MutationInput): Promise<unknown> } }
    for (let index = 0; index < count; index += 1) {
      const json = { id: crypto.randomUUID(), text: `Note ${index}`, writtenAt: new Date().toISOString() }
      await hf.mutate({ url: '/api/notes', entity: 'notes', json })
    }
  }, COUNT)
  await first.kill()
  expect(await server.notes()).toEqual([])

  const second = await startChromium(profile, server.url)
  const expected = Array.from({ length: COUNT }, (_, index) => `Note ${index}`)
  await expect.poll(async () => (await server.notes()).length, { timeout: 45_000 }).toBe(COUNT)
  expect((await server.notes()).map(({ text }) => text)).toEqual(expected)
  await second.kill()
  await rm(profile, { recursive: true, force: true })
})
