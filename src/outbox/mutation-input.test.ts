import { describe, expect, it } from 'vitest'
import { HoldfastError } from '../protocol/errors.ts'
import { type MutationInput, prepareMutation } from './mutation-input.ts'
import { DEFAULT_RETRY } from './retry-policy.ts'

const ports = { base: 'https://app.example/notes/', now: () => 1_000, newId: () => 'id-1', retry: DEFAULT_RETRY }
const prepare = async (input: unknown) => prepareMutation(input as MutationInput, ports)
const mutationOf = async (input: MutationInput) => (await prepare(input)).mutation

describe('what is recorded', () => {
  it('makes a whole mutation of the least input', async () => {
    expect(await mutationOf({ url: 'new' })).toEqual({
      version: 1,
      id: 'id-1',
      url: 'https://app.example/notes/new',
      method: 'POST',
      headers: [],
      body: { kind: 'none' },
      priority: 0,
      createdAt: 1_000,
      attempts: 0,
      failures: 0,
      retry: DEFAULT_RETRY,
      fence: 0,
    })
  })

  it('copies meta, entity and attempts', async () => {
    const meta = { label: 'Low tide', tags: ['sea'] }
    const mutation = await mutationOf({ url: '/a', method: 'DELETE', entity: 'note:1', attempts: 3, meta })
    meta.tags.push('changed')
    expect(mutation).toMatchObject({ method: 'DELETE', entity: 'note:1', meta: { label: 'Low tide', tags: ['sea'] } })
    expect(mutation.retry).toEqual({ ...DEFAULT_RETRY, attempts: 3 })
  })

  it('leaves the fragment out and takes a URL object', async () => {
    expect((await mutationOf({ url: new URL('https://api.example/x?y=1#top') })).url).toBe('https://api.example/x?y=1')
  })
})

describe('bodies', () => {
  const bodyOf = async (input: Omit<MutationInput, 'url'>) => {
    const { mutation, apart } = await prepare({ url: '/a', ...input })
    return { body: mutation.body, type: Object.fromEntries(mutation.headers)['content-type'], apart }
  }
  const text = (bytes: unknown) => new TextDecoder().decode(bytes as ArrayBuffer)

  it('JSON', async () => {
    expect(await bodyOf({ json: { a: [1, null] } })).toEqual({
      body: { kind: 'json', text: '{"a":[1,null]}' },
      type: 'application/json',
    })
    expect((await bodyOf({ json: null })).body).toEqual({ kind: 'json', text: 'null' })
  })

  it("JSON with the caller's own media type", async () => {
    const { type } = await bodyOf({ json: {}, headers: { 'Content-Type': 'application/merge-patch+json' } })
    expect(type).toBe('application/merge-patch+json')
  })

  it('a string', async () => {
    const { body, type } = await bodyOf({ body: 'tide' })
    expect({ body, type }).toEqual({ body: { kind: 'text', text: 'tide' }, type: 'text/plain;charset=UTF-8' })
  })

  it('URLSearchParams', async () => {
    const { body, type } = await bodyOf({ body: new URLSearchParams({ q: 'low tide' }) })
    expect(type).toBe('application/x-www-form-urlencoded;charset=UTF-8')
    expect(body.kind === 'bytes' && text(body.bytes)).toBe('q=low+tide')
  })

  it('FormData with a file, as the bytes and the boundary that every attempt will send', async () => {
    const form = new FormData()
    form.set('title', 'Rocks')
    form.set('photo', new File(['pixels'], 'rocks.png', { type: 'image/png' }))
    const { body, type } = await bodyOf({ body: form })
    const boundary = /^multipart\/form-data; boundary=(.+)$/.exec(type ?? '')?.[1] ?? 'none'
    const sent = body.kind === 'bytes' ? text(body.bytes) : ''
    expect(sent).toContain(boundary)
    expect(sent).toContain('filename="rocks.png"')
    expect(sent).toContain('pixels')
  })

  it('Blob, ArrayBuffer and typed array', async () => {
    const blob = await bodyOf({ body: new Blob(['b'], { type: 'image/png' }) })
    expect(blob.type).toBe('image/png')
    for (const body of [new TextEncoder().encode('b'), new TextEncoder().encode('b').buffer]) {
      const recorded = await bodyOf({ body })
      expect(recorded.body.kind === 'bytes' && text(recorded.body.bytes)).toBe('b')
    }
  })

  it('beyond 64 KiB: apart from the record', async () => {
    const long = 'x'.repeat(64 * 1024 + 1)
    expect(await bodyOf({ body: long })).toMatchObject({
      body: { kind: 'apart', of: 'text', blobKey: 'body:id-1', size: long.length },
      apart: long,
    })
    const bytes = await bodyOf({ body: new Blob([long]) })
    expect(bytes.body).toMatchObject({ kind: 'apart', of: 'bytes', size: long.length })
    expect(bytes.apart).toBeInstanceOf(ArrayBuffer)
  })
})

describe('what is refused', () => {
  const cyclic: Record<string, unknown> = {}
  cyclic.self = cyclic
  const cases: [title: string, input: unknown, reason: RegExp][] = [
    ['nothing', undefined, /not an object/],
    ['no url', { json: {} }, /has no url/],
    ['an empty url', { url: '' }, /has no url/],
    ['not a url', { url: 'http://[' }, /is not a url/],
    ['another scheme', { url: 'ftp://files.example' }, /scheme ftp:/],
    ['a password in the url', { url: 'https://me:secret@app.example' }, /user name or password/],
    ['GET', { url: '/a', method: 'GET' }, /method is GET.+not a write.+fetch/],
    ['both bodies', { url: '/a', json: 1, body: 'x' }, /both json and body/],
    ['a cycle', { url: '/a', json: cyclic }, /circular/],
    ['a BigInt', { url: '/a', json: { n: 1n } }, /BigInt/],
    ['a function as json', { url: '/a', json: () => 1 }, /json is a function/],
    ['a stream', { url: '/a', body: new ReadableStream() }, /stream.+Response\(stream\)\.blob\(\)/],
    ['an object as body', { url: '/a', body: { a: 1 } }, /body is Object.+as json/],
    ['Authorization', { url: '/a', headers: { Authorization: 'Bearer x' } }, /"authorization"/],
    ['Cookie', { url: '/a', headers: [['Cookie', 'a=b']] }, /"cookie"/],
    ['its own key', { url: '/a', headers: { 'Idempotency-Key': 'x' } }, /"idempotency-key"/],
    ['a header that HTTP forbids', { url: '/a', headers: { 'a b': 'c' } }, /headers are not valid/],
    ['meta that cannot be stored', { url: '/a', meta: { fn: () => 1 } }, /meta cannot be stored/],
    ['meta that is no object', { url: '/a', meta: 'x' }, /meta is not an object/],
    ['an empty entity', { url: '/a', entity: '' }, /entity is not a name/],
    ['no attempts', { url: '/a', attempts: 0 }, /attempts are 0/],
    ['a member that nobody knows', { url: '/a', prioritty: 1 }, /"prioritty"/],
  ]

  it.each(cases)('%s', async (_title, input, reason) => {
    const error = await prepare(input).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(HoldfastError)
    expect(error).toMatchObject({ code: 'invalid-mutation' })
    expect((error as HoldfastError).message).toMatch(/^Failed to record the mutation: .+\. [A-Z].+\.$/s)
    expect((error as HoldfastError).message).toMatch(reason)
  })

  it('a file that cannot be read any more', async () => {
    const gone = new Blob(['x'])
    gone.arrayBuffer = () => Promise.reject(new DOMException('gone', 'NotReadableError'))
    gone.stream = () => new ReadableStream({ start: controller => controller.error(new Error('gone')) })
    await expect(prepare({ url: '/a', body: gone })).rejects.toMatchObject({ code: 'invalid-mutation' })
  })
})
