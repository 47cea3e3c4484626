import type { Page } from '@playwright/test'
import { expect, test } from './support/small-app.ts'

test('a write that needs the network is refused without it, and goes like any other one with it', async ({
  page,
  network,
  worker,
  app,
  outbox,
}) => {
  await page.goto('/')
  await worker.ready(page)
  await network.offline()
  expect(await pay(page)).toBe('offline')
  expect(await outbox.count()).toBe(0)
  await network.online()
  expect(await pay(page)).toBe('confirmed')
  expect(app.arrivals).toHaveLength(1)
})

/** How it ended, or the code of the error. */
function pay(page: Page): Promise<string> {
  return page.evaluate(async () => {
    try {
      const receipt = await window.hf.mutate({ url: '/payments', json: { amount: 5 }, online: 'required' })
      return (await receipt.settled).kind
    } catch (error) {
      return (error as { code: string }).code
    }
  })
}
