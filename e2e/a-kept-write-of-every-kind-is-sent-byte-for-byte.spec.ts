import { createHash } from 'node:crypto'
import { expect, open, test } from './support/capture-app.ts'

const TEXT = '{ "text":\t"Möwe \\u00e9" }\n'
const BYTES = Uint8Array.from({ length: 256 }, (_, index) => index)

test('a body of every kind is kept and sent again byte for byte, with the media type that it had', async ({
  page,
  worker,
  app,
  outbox,
}) => {
  app.answer((_arrival, response) => void response.writeHead(503).end())
  await open(page, worker)
  const statuses = await page.evaluate(async text => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
    const form = new FormData()
    form.set('title', 'Möwe')
    form.set('file', new File([bytes], 'möwe "1".png', { type: 'image/png' }))
    const stream = new ReadableStream({
      async start(controller) {
        for (const part of [bytes.slice(0, 100), bytes.slice(100)]) {
          await new Promise(resolve => setTimeout(resolve, 50))
          controller.enqueue(part)
        }
        controller.close()
      },
    })
    const large = new Uint8Array(300_000).map((_, index) => (index * 31 + (index >> 8)) % 256)
    const bodies: Record<string, RequestInit> = {
      form: { body: form },
      blob: { body: new Blob([bytes], { type: 'image/png' }) },
      buffer: { body: bytes.buffer },
      view: { body: bytes.subarray(10, 20) },
      params: { body: new URLSearchParams({ a: 'Möwe & Co', b: '' }) },
      text: { body: 'Möwe\r\n' },
      json: { body: text, headers: { 'Content-Type': 'application/json' } },
      badJson: { body: '{"a":', headers: { 'Content-Type': 'application/json' } },
      mark: { body: '\ufeff{"a":1}', headers: { 'Content-Type': 'application/json' } },
      stream: { body: stream, duplex: 'half' } as RequestInit,
      large: { body: large },
      none: {},
    }
    const kinds = Object.entries(bodies)
    return Promise.all(
      kinds.map(async ([kind, init]) => [kind, (await fetch(`/api/${kind}`, { method: 'POST', ...init })).status]),
    )
  }, TEXT)
  expect(Object.fromEntries(statuses)).toEqual(Object.fromEntries(statuses.map(([kind]) => [kind, 202])))

  app.answer((_arrival, response) => response.end())
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  for (const [kind] of statuses) {
    const [first, ...again] = app.arrivals.filter(({ url }) => url === `/api/${kind}`)
    for (const { headers, body } of again) {
      expect([kind, headers['content-type'], hash(body)]).toEqual([
        kind,
        first?.headers['content-type'],
        hash(first?.body),
      ])
    }
    expect([kind, again.length > 0]).toEqual([kind, true])
  }
  const bodyOf = (kind: string) => app.arrivals.findLast(({ url }) => url === `/api/${kind}`)?.body
  for (const kind of ['blob', 'buffer', 'stream']) expect(bodyOf(kind)?.equals(BYTES)).toBe(true)
  expect(bodyOf('form')?.includes(Buffer.from(BYTES))).toBe(true)
  expect(bodyOf('view')?.equals(BYTES.subarray(10, 20))).toBe(true)
  expect(bodyOf('json')?.toString()).toBe(TEXT)
  expect(bodyOf('mark')?.toString('hex')).toBe(Buffer.from('\ufeff{"a":1}').toString('hex'))
  expect(bodyOf('params')?.toString()).toBe('a=M%C3%B6we+%26+Co&b=')
  expect(bodyOf('large')?.length).toBe(300_000)
})

function hash(body: Buffer = Buffer.alloc(0)): string {
  return createHash('sha256').update(body).digest('hex')
}
