import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyMergePatch, isSameJson } from '../protocol/merge-patch.ts'
import type { MutationMethod, NewMutation } from '../protocol/mutation.ts'
import { type CoalesceMode, coalesceWith } from './coalesce.ts'

const NOTES = 'https://example.com/api/notes'
const NOTE = `${NOTES}/n1`

let made = 0

function mutation(method: MutationMethod, url: string, json?: unknown, parts: Partial<NewMutation> = {}): NewMutation {
  return {
    version: 1,
    id: `m${++made}`,
    url,
    method,
    headers: json === undefined ? [] : [['content-type', 'application/json']],
    body: json === undefined ? { kind: 'none' } : { kind: 'json', text: JSON.stringify(json) },
    entity: 'note:n1',
    priority: 0,
    createdAt: made,
    attempts: 0,
    failures: 0,
    retry: { attempts: 8, baseMs: 1000, capMs: 60_000, maxAgeMs: 1e9 },
    fence: 0,
    ...parts,
  }
}

function jsonOf({ body }: NewMutation): unknown {
  return body.kind === 'json' ? JSON.parse(body.text) : undefined
}

/** What is left of the two: the body that is sent, or what was decided. */
function outcome(waiting: NewMutation, incoming: NewMutation, mode: CoalesceMode): unknown {
  const result = coalesceWith(waiting, incoming, mode)
  return result.kind === 'replace' ? jsonOf(result.mutation) : result.kind
}

const create = (parts?: Partial<NewMutation>) => mutation('POST', NOTES, { id: 'n1', title: 'Fern', tag: 'a' }, parts)
const put = (json: unknown, parts?: Partial<NewMutation>) => mutation('PUT', NOTE, json, parts)
const patch = (json: unknown, parts?: Partial<NewMutation>) => mutation('PATCH', NOTE, json, parts)
const remove = (parts?: Partial<NewMutation>) => mutation('DELETE', NOTE, undefined, parts)

describe('coalesceWith', () => {
  it('keeps the place, id and time of the waiting one, with the body and the label of the later', () => {
    const waiting = { ...put({ a: 1 }, { meta: { label: 'one', kept: true } }), key: '0.1', sequence: 1 }
    const incoming = put({ a: 2 }, { meta: { label: 'two' } })
    expect(coalesceWith(waiting, incoming, 'replace')).toEqual({
      kind: 'replace',
      mutation: { ...waiting, body: incoming.body, meta: { label: 'two', kept: true } },
      absorbed: { id: incoming.id, by: waiting.id },
      orphans: [],
    })
  })

  it.each([
    ['a lease', { lease: { holder: 'x', token: 1, until: 1 } }],
    ['a lease that is over', { fence: 1 }],
    ['an attempt', { attempts: 1 }],
    ['an attempt offline', { failures: 1 }],
    ['a delay before the next attempt', { nextAttemptAt: 1 }],
    ['a question to a person', { held: true as const }],
  ])('leaves a waiting one alone that has had %s', (_what, parts) => {
    for (const mode of ['replace', 'merge'] as const) {
      expect(outcome(put({ a: 1 }, parts), put({ a: 2 }), mode)).toBe('append')
      expect(outcome(create(parts), patch({ title: 'Moss' }), mode)).toBe('append')
      expect(outcome(create(parts), remove(), mode)).toBe('append')
    }
  })

  it.each<[string, Partial<NewMutation> & { newTerm?: number }]>([
    ['entity', { entity: 'note:n2' }],
    ['no entity', { entity: undefined }],
    ['priority', { priority: 1 }],
    ['parents', { waitsFor: ['p'] }],
    ['time', { notBefore: 1 }],
    ['retries', { retry: { attempts: 1, baseMs: 1000, capMs: 60_000, maxAgeMs: 1e9 } }],
    ['header', { headers: [['if-match', '"1"']] satisfies [string, string][] }],
    ['media type', { headers: [['content-type', 'text/plain']] satisfies [string, string][] }],
    ['owner', { principal: 'ada' }],
    ['credentials', { credentials: 'include' }],
    ['way with what is uncertain', { onUncertain: 'hold' }],
    ['references', { references: [['p', '/id']] }],
    ['key', { idempotencyKey: 'k' }],
    ['term that is not known here', { newTerm: 1 }],
    ['address', { url: `${NOTES}/n2` }],
    ['method', { method: 'PATCH' as const }],
  ])('does not join what differs in its %s', (_what, parts) => {
    expect(outcome(put({ a: 1 }), put({ a: 2 }, parts), 'replace')).toBe('append')
    expect(outcome(put({ a: 1 }, parts), put({ a: 2 }), 'replace')).toBe('append')
  })

  it('does not join two without an entity', () => {
    const parts = { entity: undefined }
    expect(outcome(put({ a: 1 }, parts), put({ a: 2 }, parts), 'replace')).toBe('append')
  })

  it('replaces bodies of any kind, and names the one that nobody sends any more', () => {
    const apart = { kind: 'apart', of: 'bytes', blobKey: 'body:1', size: 9 } as const
    const first = mutation('PUT', NOTE, undefined, { body: apart, headers: [['Content-Type', 'form; boundary=1']] })
    const second = mutation('PUT', NOTE, undefined, {
      body: { ...apart, blobKey: 'body:2' },
      headers: [['content-type', 'form; boundary=2']],
    })
    expect(coalesceWith(first, second, 'replace')).toMatchObject({
      kind: 'replace',
      mutation: { id: first.id, body: { blobKey: 'body:2' }, headers: second.headers },
      orphans: ['body:1'],
    })
  })

  it('replaces a POST only where the app asks for it, and never one thing with another', () => {
    const position = (x: number) => mutation('POST', '/api/position', { x })
    expect(outcome(position(1), position(2), 'replace')).toEqual({ x: 2 })
    expect(outcome(position(1), position(2), 'merge')).toBe('append')
    const other = mutation('POST', NOTES, { id: 'n2' })
    expect(outcome(create(), other, 'replace')).toBe('append')
  })

  it('replaces a PATCH only by one that says everything again', () => {
    expect(outcome(patch({ a: 1, b: 1 }), patch({ b: 2, a: 2 }), 'replace')).toEqual({ b: 2, a: 2 })
    expect(outcome(patch({ a: 1 }), patch({ b: 2 }), 'replace')).toBe('append')
    expect(outcome(patch({ a: { x: 1 } }), patch({ a: { y: 1 } }), 'replace')).toBe('append')
  })

  it('merges two patches of fields, and no others', () => {
    expect(outcome(patch({ a: 1, b: 1 }), patch({ b: null, c: 3 }), 'merge')).toEqual({ a: 1, b: null, c: 3 })
    expect(outcome(patch({ a: null }), patch({ a: { x: 1 } }), 'merge')).toBe('append')
    expect(outcome(patch([{ op: 'remove', path: '/a' }]), patch([{ op: 'remove', path: '/b' }]), 'merge')).toBe(
      'append',
    )
    const own = { headers: [['content-type', 'application/vnd.own+json']] satisfies [string, string][] }
    expect(outcome(patch({ add: 1 }, own), patch({ add: 2 }, own), 'merge')).toBe('append')
    expect(outcome(patch({ add: 1 }, own), patch({ add: 2 }, own), 'replace')).toBe('append')
    const reference = { parent: { $ref: ['p', '/id'] } }
    expect(outcome(patch(reference), patch({ parent: { x: 1 } }), 'merge')).toBe('append')
  })

  it('folds a patch into the creation of what it changes', () => {
    const folded = coalesceWith(create(), patch({ title: 'Moss', tag: null }), 'merge')
    expect(folded).toMatchObject({ kind: 'replace', mutation: { method: 'POST', url: NOTES } })
    expect(outcome(create(), patch({ title: 'Moss', tag: null }), 'merge')).toEqual({ id: 'n1', title: 'Moss' })
    expect(outcome(create(), patch({ title: 'Moss' }), 'replace')).toBe('append')
    const merge = { headers: [['content-type', 'application/merge-patch+json']] satisfies [string, string][] }
    expect(outcome(create(), patch({ title: 'Moss' }, merge), 'merge')).toMatchObject({ title: 'Moss' })
  })

  it('cancels a creation and the deletion of what it would create', () => {
    const [waiting, incoming] = [create(), remove()]
    expect(coalesceWith(waiting, incoming, 'replace')).toEqual({
      kind: 'cancel-both',
      cancelled: [waiting.id, incoming.id],
      orphans: [],
    })
    expect(outcome(create(), remove(), 'merge')).toBe('cancel-both')
  })

  it('knows a creation by a reference to its answer, too', () => {
    const waiting = mutation('POST', NOTES, { title: 'Fern' })
    const url = `${NOTES}/{ref:${waiting.id}#/id}`
    const parts: Partial<NewMutation> = { waitsFor: [waiting.id], references: [[waiting.id, '/id']] }
    expect(outcome(waiting, mutation('DELETE', url, undefined, parts), 'replace')).toBe('cancel-both')
    expect(outcome(waiting, mutation('PATCH', url, { title: 'Moss' }, parts), 'merge')).toEqual({ title: 'Moss' })
    expect(outcome(waiting, mutation('DELETE', `${url}/photos`, undefined, parts), 'replace')).toBe('append')
    const itself = { self: { $ref: [waiting.id, '/id'] } }
    expect(outcome(waiting, mutation('PATCH', url, itself, parts), 'merge')).toBe('append')
    const another: Partial<NewMutation> = {
      ...parts,
      references: [
        [waiting.id, '/id'],
        ['p', '/id'],
      ],
    }
    expect(outcome(waiting, mutation('PATCH', url, { title: 'Moss' }, another), 'merge')).toBe('append')
  })

  it.each([
    ['an action on it', mutation('POST', `${NOTE}/publish`, { id: 'n1' }), remove()],
    ['an update', put({ id: 'n1' }), remove()],
    ['an update of all', mutation('PUT', NOTES, { id: 'n1' }), remove()],
    ['the creation of another', mutation('POST', NOTES, { id: 'n2' }), remove()],
    ['the creation of a part of it', mutation('POST', `${NOTE}/photos`, { id: 'p1' }), remove()],
    ['a creation without an id', mutation('POST', NOTES, { title: 'n1' }), remove()],
    ['a creation with an id that is no text', mutation('POST', NOTES, { id: { n: 1 } }), remove()],
    ['a creation, and the deletion of all', create(), mutation('DELETE', `${NOTES}/`)],
    ['a creation, and the deletion of a part', create(), mutation('DELETE', `${NOTE}/photos`)],
    ['a creation, and a conditional deletion', create(), remove({ headers: [['if-match', '*']] })],
  ])('keeps both of %s and a deletion', (_what, waiting, incoming) => {
    expect(outcome(waiting, incoming, 'replace')).toBe('append')
    expect(outcome(waiting, incoming, 'merge')).toBe('append')
  })

  it('joins what refers to the same answers, but merges no references in json', () => {
    const parts: Partial<NewMutation> = { references: [['p', '/id']], answers: { p: { '/id': 7 } } }
    const url = `${NOTES}/{ref:p#/id}`
    const first = mutation('PATCH', url, { a: 1 }, parts)
    const { answers: _unknown, ...without } = parts
    const joint = coalesceWith(first, mutation('PATCH', url, { b: 2 }, without), 'merge')
    expect(joint).toMatchObject({ kind: 'replace', mutation: { ...parts, body: { text: '{"a":1,"b":2}' } } })
    const referring = { a: { $ref: ['p', '/id'] } }
    expect(outcome(patch(referring, parts), patch({ b: 1 }, parts), 'merge')).toBe('append')
    expect(outcome(patch({ b: 1 }, parts), patch(referring, parts), 'merge')).toBe('append')
    expect(outcome(put(referring, parts), put({ ...referring, b: 1 }, parts), 'replace')).toEqual({
      ...referring,
      b: 1,
    })
  })

  it('merges no more than is stored with the record', () => {
    const half = 'x'.repeat(40_000)
    expect(outcome(patch({ a: half }), patch({ b: half }), 'merge')).toBe('append')
    expect(outcome(create(), patch({ b: half.repeat(2) }), 'merge')).toBe('append')
    expect(outcome(patch({ a: half }), patch({ a: half }), 'merge')).toEqual({ a: half })
  })

  it('does not put a write in place of the one whose answer it needs', () => {
    const waiting = put({ a: 1 })
    expect(outcome(waiting, put({ a: 2 }, { waitsFor: [waiting.id] }), 'replace')).toBe('append')
  })

  it('leaves both as they were', () => {
    const both = [create({ meta: { a: 1 } }), patch({ title: 'Moss' }, { meta: { b: 1 } })] as const
    const before = structuredClone(both)
    coalesceWith(...both, 'merge')
    expect(both).toEqual(before)
  })
})

describe('a queue with coalescing', () => {
  const fields = fc.dictionary(
    fc.constantFrom('a', 'b', '__proto__'),
    fc.oneof(
      fc.constantFrom(null, 1, 2),
      fc.dictionary(fc.constantFrom('x', 'y'), fc.constantFrom(null, 1), { maxKeys: 2 }),
    ),
    { maxKeys: 3 },
  )
  const mode = fc.constantFrom(undefined, 'replace' as const, 'merge' as const)
  const event = fc.oneof(
    fc.record({ kind: fc.constantFrom('create', 'put', 'patch', 'patch', 'delete'), json: fields, mode }),
    fc.record({ kind: fc.constantFrom('attempt', 'deliver') }),
  )

  it('leaves the server with what it would have without', () => {
    const saved = { replace: 0, 'cancel-both': 0 }
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), fc.boolean(), (events, existed) => {
        const start = existed ? { id: 'n1', a: { x: 1, z: 1 } } : undefined
        const [plain, server] = [createModel(start), createModel(start)]
        const waiting: NewMutation[] = []
        for (const event of events) {
          if (event.kind === 'attempt' && waiting[0]) waiting[0] = { ...waiting[0], fence: 1, failures: 1 }
          if (event.kind === 'deliver' && waiting[0]) server.apply(waiting.shift()!)
          if (!('json' in event)) continue
          // An app creates a note once, while it has none.
          if (event.kind === 'create' && plain.note() !== undefined) continue
          const incoming = toMutation(event.kind, event.json)
          plain.apply(incoming)
          const kind = enqueue(waiting, incoming, event.mode)
          if (kind !== 'append') saved[kind] += 1
        }
        for (const left of waiting) server.apply(left)
        expect(isSameJson(server.note() ?? null, plain.note() ?? null)).toBe(true)
      }),
      { numRuns: 3000 },
    )
    expect(saved.replace).toBeGreaterThan(300)
    expect(saved['cancel-both']).toBeGreaterThan(20)
  })

  function toMutation(kind: string, json: Record<string, unknown>): NewMutation {
    if (kind === 'create') return mutation('POST', NOTES, { ...json, id: 'n1' })
    if (kind === 'put') return put({ ...json, id: 'n1' })
    return kind === 'patch' ? patch(json) : remove()
  }

  function enqueue(waiting: NewMutation[], incoming: NewMutation, mode: CoalesceMode | undefined) {
    const last = waiting.at(-1)
    const result = last && mode ? coalesceWith(last, incoming, mode) : ({ kind: 'append' } as const)
    if (result.kind === 'append') waiting.push(incoming)
    else waiting.splice(-1, 1, ...(result.kind === 'replace' ? [result.mutation] : []))
    return result.kind
  }

  /** A server with one note: POST creates it, PUT puts it, PATCH merges into it, DELETE removes it. */
  function createModel(start: unknown) {
    let note = start
    return {
      note: () => note,
      apply(mutation: NewMutation) {
        const json = jsonOf(mutation)
        if (mutation.method === 'POST') note ??= json
        else if (mutation.method === 'PUT') note = json
        else if (mutation.method === 'PATCH') note = note === undefined ? undefined : applyMergePatch(note, json)
        else note = undefined
      },
    }
  }
})
