import { dispatchSync, expect, post, test, useWorker, type WorkerName } from './support/workbox-app.ts'

/** What arrives after all. The second shows what the first is for: Workbox takes an entry out before it is sent. */
const OUTCOMES: [WorkerName, string[]][] = [
  ['ours', ['1', '2', '3']],
  ['workbox', ['2', '3']],
]

for (const [name, applied] of OUTCOMES) {
  test(`with the queue of ${name} a worker that is killed while it replays leaves ${applied.join(', ')} of 1, 2, 3 to be delivered`, async ({
    page,
    app,
    network,
    worker,
  }) => {
    await page.goto('/')
    await useWorker(page, name)
    await network.offline()
    for (const text of ['1', '2', '3']) expect(await post(page, text)).toBe(false)
    // The server takes no notice of what it gets now: as if the request had never left.
    app.answer(() => undefined)
    await network.online()
    await expect.poll(() => app.arrivals.length, { timeout: 30_000 }).toBe(1)
    await worker.stop()

    const done: string[] = []
    app.answer(({ body }, response) => {
      done.push(body.toString())
      response.end()
    })
    await dispatchSync(page)
    await expect.poll(() => done, { timeout: 30_000 }).toEqual(applied)
  })
}
