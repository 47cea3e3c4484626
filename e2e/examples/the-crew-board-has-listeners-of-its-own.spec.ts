import type { Page } from '@playwright/test'
import { expect, test } from './fixtures.ts'

test.use({ example: 'own-worker', permissions: ['notifications'] })

test('what is shared from another app opens the board with the text, also offline', async ({
  page,
  worker,
  network,
}) => {
  await page.goto('/')
  await worker.ready(page)
  await network.offline()
  await page.evaluate(() => {
    const form = Object.assign(document.createElement('form'), { action: '/share', method: 'post' })
    form.enctype = 'multipart/form-data'
    form.append(Object.assign(document.createElement('input'), { name: 'text', value: 'Seen from the mast' }))
    document.body.append(form)
    form.submit()
  })
  await expect(page.getByRole('textbox')).toHaveValue('Seen from the mast')
  await expect(page).toHaveURL('/')
})

test('a push is shown, and is old news when the board is looked at', async ({ page, worker, context }) => {
  await page.goto('/')
  await worker.ready(page)
  const [running] = context.serviceWorkers()
  // As text: `PushEvent` is a word of workers only.
  await running?.evaluate(`dispatchEvent(new PushEvent('push', { data: 'Fuel is in' }))`)
  await expect.poll(() => notifications(page)).toEqual(['Crew board: Fuel is in'])
  await page.reload()
  await expect.poll(() => notifications(page)).toEqual([])
})

function notifications(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready
    const shown = await registration.getNotifications()
    return shown.map(({ title, body }) => `${title}: ${body}`)
  })
}
