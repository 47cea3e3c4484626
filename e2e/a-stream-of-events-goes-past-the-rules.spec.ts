import { allStored, expect, test } from './support/reading-app.ts'

test('a stream of events goes past the rules: nothing of it is stored, and it ends with the page', async ({
  app,
  page,
}) => {
  let ended = 0
  app.on('/api/events', ({ response, count }) => {
    response.setHeader('Content-Type', 'text/event-stream').write(`data: event ${count}\n\n`)
    response.on('close', () => {
      ended += 1
    })
  })
  app.on('/api/notes', ({ response }) => response.end('notes'))
  await app.open(page, { caching: [{ match: '/api/**', strategy: 'network-first' }] })
  // As many as a browser keeps open to one host of HTTP/1.1, and one more.
  for (const event of [1, 2, 3, 4, 5, 6, 7].map(count => `event ${count}`)) {
    expect(await page.evaluate(oneEvent)).toBe(event)
  }
  await expect.poll(() => ended).toBe(7)
  await page.evaluate(() => fetch('/api/notes'))
  await expect.poll(() => allStored(page)).toEqual(['/api/notes'])
})

function oneEvent(): Promise<string> {
  return new Promise(resolve => {
    const source = new EventSource('/api/events')
    source.onmessage = ({ data }) => {
      source.close()
      resolve(data)
    }
  })
}
