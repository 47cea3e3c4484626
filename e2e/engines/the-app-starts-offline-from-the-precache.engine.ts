import { expect, test } from './fixtures.ts'

test('the app starts offline from the precache', async ({ open, network }) => {
  const tab = await open()
  await network.offline()
  await tab.reload()
  await expect.poll(() => tab.evaluate(() => typeof window.hf?.mutate)).toBe('function')
  await tab.goto(`${network.url}deep/link`)
  await expect.poll(() => tab.evaluate(() => typeof window.hf?.mutate)).toBe('function')
})
