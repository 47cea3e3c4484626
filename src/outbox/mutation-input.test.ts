import { describe, expect, it, vi } from 'vitest'
import { HoldfastError } from '../protocol/errors.ts'
import { type MutationInput, type PreparePorts, prepareMutation } from './mutation-input.ts'
import { DEFAULT_RETRY } from './retry-policy.ts'

const ports: PreparePorts = {
  base: 'https://app.example/notes/',
  now: () => 1_000,
  newId: () => 'id-1',
  retry: DEFAULT_RETRY,
  loadRare: () => import('./rare-input.ts'),
}
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

describe('what is loaded for it', () => {
  const loaderOf = (): PreparePorts & { loadRare: ReturnType<typeof vi.fn<PreparePorts['loadRare']>> } => ({
    ...ports,
    loadRare: vi.fn(ports.loadRare),
  })
  const usual: MutationInput[] = [
    { url: '/a' },
    {
      url: new URL('https://api.example/x'),
      method: 'PUT',
      json: { $ref: 1, text: 'ref: {' },
      entity: 'e',
      priority: -5,
    },
    { url: '/a', body: 'text with "$ref" and {ref:', headers: [['if-match', '*']], meta: { a: 1 }, dependsOn: ['p'] },
  ]
  const json = { $ref: ['p', '/id'] }
  const rare: MutationInput[] = [
    ...[{ notBefore: new Date(1) }, { attempts: 1 }, { coalesce: false as const }, { onUncertain: 'retry' as const }],
    ...[{ json }, { json: [json, 'x'.repeat(65_536)] }, { url: '/{ref:p#/id}' }, { headers: { a: '{ref:p#/id}' } }],
  ].map(parts => ({ url: '/a', ...parts }))

  it.each(usual.slice(0, 1).concat(usual[2] as MutationInput))(
    'nothing for the usual, which is ready at once',
    input => {
      const loader = loaderOf()
      expect(prepareMutation(input, loader)).not.toBeInstanceOf(Promise)
      expect(loader.loadRare).not.toHaveBeenCalled()
    },
  )

  it('the rest where something may be a reference, and is none', async () => {
    const loader = loaderOf()
    const prepared = await prepareMutation(usual[1] as MutationInput, loader)
    expect(prepared.mutation).toMatchObject({ url: 'https://api.example/x', entity: 'e', priority: -5 })
    expect(prepared.mutation.references).toBeUndefined()
    expect(prepared.dependsOn).toBeUndefined()
    expect(loader.loadRare).toHaveBeenCalledOnce()
  })

  it.each(rare)('the rest for %o', async input => {
    const loader = loaderOf()
    await prepareMutation(input, loader)
    expect(loader.loadRare).toHaveBeenCalledOnce()
  })

  it('once for a file with a time, and the record is the input as it was', async () => {
    const loader = loaderOf()
    const [meta, headers, dependsOn] = [{ tags: ['a'] }, new Headers({ a: 'b' }), ['p']]
    const form = new FormData()
    form.set('title', 'before')
    const input: MutationInput = { url: '/a', body: form, meta, headers, dependsOn, attempts: 3 }
    const preparing = prepareMutation(input, loader)
    meta.tags.push('b')
    headers.set('a', 'c')
    dependsOn.push('q')
    form.set('title', 'after')
    Object.assign(input, { url: '/b', attempts: 4 })
    const { mutation, ...prepared } = await preparing
    expect(mutation).toMatchObject({ url: 'https://app.example/a', meta: { tags: ['a'] }, retry: { attempts: 3 } })
    expect(mutation.headers).toContainEqual(['a', 'b'])
    expect(prepared.dependsOn).toEqual(['p'])
    expect(mutation.body.kind === 'bytes' && new TextDecoder().decode(mutation.body.bytes)).toContain('before')
    expect(loader.loadRare).toHaveBeenCalledOnce()
  })

  it('says that it could not be loaded', async () => {
    const loadRare = () => Promise.reject(new Error('not loaded'))
    for (const input of [{ url: '/a', attempts: 1 }, { url: '' }]) {
      await expect(prepareMutation(input, { ...ports, loadRare })).rejects.toThrow('not loaded')
    }
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
    ['a dependency that is no id', { url: '/a', dependsOn: [1] }, /dependsOn is not a list/],
    ['a priority beyond the range', { url: '/a', priority: 10_001 }, /priority is 10001/],
    ['a time that is no date', { url: '/a', notBefore: 1 }, /notBefore is not a date/],
    ['a date that is none', { url: '/a', expiresAt: new Date('x') }, /expiresAt is not a date/],
    ['coalescing without an entity', { url: '/a', coalesce: 'merge' }, /no entity.+Pass entity/],
    ['coalescing of another kind', { url: '/a', entity: 'e', coalesce: true }, /coalesce is true.+"replace"/],
    ['online of another kind', { url: '/a', online: true }, /online is true.+"required"/],
    ['uncertainty of another kind', { url: '/a', onUncertain: 'drop' }, /onUncertain is drop.+"retry" or "hold"/],
    ['credentials of another kind', { url: '/a', credentials: 'all' }, /credentials is all.+"omit"/],
    ['half a reference in the url', { url: '/a/{ref:p' }, /not a reference/],
    ['a url that new URL() has cut', { url: new URL('https://a.example/{ref:p#/id}') }, /not a reference/],
    ['a reference for a host', { url: 'https://{ref:p#/host}/a' }, /is not a url/],
    ['a reference for a port', { url: 'https://a.example:{ref:p#/port}/' }, /is not a url/],
    ['a reference in a fragment', { url: '/a#{ref:p#/id}' }, /outside of its path and query/],
    ['a broken reference in json', { url: '/a', json: { $ref: ['p'] } }, /not a reference/],
    ['a broken reference in a header', { url: '/a', headers: { a: '{ref:p}' } }, /not a reference/],
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
