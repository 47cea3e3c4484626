import { expect, test } from './support/small-app.ts'

test('two outboxes of different names are apart: each holds, pauses, cancels and delivers its own', async ({
  page,
  worker,
  app,
}) => {
  await page.goto('/')
  await worker.ready(page)
  const seen = await page.evaluate(async () => {
    const [main, drafts] = [window.hf, window.createHoldfast({ name: 'drafts' })]
    await Promise.all([main.pause(), drafts.pause()])
    const ofMain = [
      await main.mutate({ url: '/main/1', entity: 'a', json: 1 }),
      await main.mutate({ url: '/main/2', entity: 'a', json: 2 }),
    ]
    const ofDrafts = await drafts.mutate({ url: '/drafts/1', entity: 'a', json: 1 })
    const foreign = [await drafts.outbox.cancel(ofMain[0]?.id ?? ''), await main.outbox.get(ofDrafts.id)]
    await drafts.resume()
    const draft = await ofDrafts.settled
    const left = [await main.outbox.count(), await drafts.outbox.count()]
    await main.resume()
    const mains = await Promise.all(ofMain.map(({ settled }) => settled))
    return { foreign, left, kinds: [draft, ...mains].map(({ kind }) => kind) }
  })
  expect(seen).toEqual({ foreign: [false, undefined], left: [2, 0], kinds: ['confirmed', 'confirmed', 'confirmed'] })
  expect(app.arrivals.map(({ url }) => url)).toEqual(['/drafts/1', '/main/1', '/main/2'])
})
