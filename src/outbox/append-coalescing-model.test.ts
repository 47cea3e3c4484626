import 'fake-indexeddb/auto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { applyMergePatch, isSameJson } from '../protocol/merge-patch.ts'
import { type Mutation, sizeOf } from '../protocol/mutation.ts'
import { placeOf } from '../protocol/queue-range.ts'
import { openStorage, type Storage } from '../storage/open-storage.ts'
import { writeCoalescing } from './append-coalescing.ts'
import { ofNobody } from './append-context.ts'
import { changeQueue } from './change-queue.ts'
import { COUNTERS_KEY, type Counters } from './counters.ts'
import { type MutationInput, type PreparedMutation, prepareMutation } from './mutation-input.ts'
import { move, putBack, takeOut } from './queue-moves.ts'
import { resolveReferences } from './resolve-references.ts'
import { DEFAULT_RETRY } from './retry-policy.ts'

const NOTES = 'https://app.example/api/notes'

/** The server: notes by name. POST creates one, PUT puts it, PATCH merges into it, DELETE removes it; a key counts once. */
function createServer() {
  const notes = new Map<string, unknown>([['n1', { id: 'n1', a: { x: 1, z: 1 } }]])
  const keys = new Set<string>()
  return {
    notes,
    apply(key: string, method: string, name: string, json: unknown) {
      if (keys.has(key)) return
      keys.add(key)
      const note = notes.get(name)
      if (method === 'DELETE') notes.delete(name)
      else if (method === 'PUT' || (method === 'POST' && note === undefined)) notes.set(name, json)
      else if (method === 'PATCH' && note !== undefined) notes.set(name, applyMergePatch(note, json))
    },
  }
}

type Server = ReturnType<typeof createServer>

const NAMES = ['n1', 'n2'] as const
const fields = fc.dictionary(
  fc.constantFrom('a', 'b'),
  fc.oneof(fc.constantFrom(null, 1, 2), fc.record({ x: fc.constantFrom(null, 1) }, { requiredKeys: [] })),
  { maxKeys: 2 },
)
/** An option, as many times as it says. */
const oneOf = <T>(...choices: [weight: number, value: T][]) =>
  fc.oneof(...choices.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })))
const write = fc.record({
  kind: oneOf([2, 'create'], [1, 'put'], [5, 'patch'], [1, 'delete']),
  name: oneOf([4, 'n1'], [1, 'n2']),
  json: fields,
  coalesce: oneOf([1, undefined], [1, 'replace' as const], [5, 'merge' as const]),
  isLarge: oneOf([9, false], [1, true]),
})
const step = oneOf([1, 'claim' as const], [3, 'confirm' as const], [1, 'fail' as const], [3, 'loseAnswer' as const])
const event = fc.oneof(
  { weight: 5, arbitrary: fc.record({ writes: fc.array(write, { minLength: 1, maxLength: 2 }) }) },
  { weight: 1, arbitrary: fc.record({ dependsOn: fc.nat(50) }) },
  { weight: 6, arbitrary: fc.record({ step, at: fc.nat(5) }) },
)

type Write = {
  kind: string
  name: string
  json: Record<string, unknown>
  coalesce?: 'replace' | 'merge'
  isLarge: boolean
}

function inputOf({ kind, name, json, coalesce, isLarge }: Write): MutationInput {
  const terms = { entity: `note:${name}`, coalesce }
  const whole = { id: name, ...json, ...(isLarge && { text: 'x'.repeat(70_000) }) }
  if (kind === 'create') return { url: NOTES, json: whole, ...terms }
  if (kind === 'put') return { url: `${NOTES}/${name}`, method: 'PUT', json: whole, ...terms }
  if (kind === 'patch') return { url: `${NOTES}/${name}`, method: 'PATCH', json, ...terms }
  return { url: `${NOTES}/${name}`, method: 'DELETE', ...terms }
}

async function prepare(id: string, input: MutationInput): Promise<PreparedMutation> {
  const loadRare = () => import('./rare-input.ts')
  const ports = { base: 'https://app.example/', now: () => 1, newId: () => id, retry: DEFAULT_RETRY, loadRare }
  return prepareMutation(input, ports)
}

/** What happened in one run, and what to check it against. */
function createRun(storage: Storage) {
  const [plain, server] = [createServer(), createServer()]
  const ids: string[] = []
  /** By the id of a write: the mutation that carried it. */
  const carriers = new Map<string, string>()
  const ended = new Set<string>()
  const delivered: string[] = []
  const lastSequence = new Map<string, number>()
  let called = 0
  let made = 0
  let saved = 0

  const queue = () => storage.mutations.range<Mutation>()

  async function append(inputs: MutationInput[]): Promise<string[]> {
    const items = await Promise.all(inputs.map(input => prepare(`m${String(++made).padStart(3, '0')}`, input)))
    const appended = await writeCoalescing(storage, items, ofNobody(), 1)
    items.forEach(({ mutation }, index) => {
      const result = appended[index]
      carriers.set(mutation.id, result?.id ?? '')
      for (const id of result?.ended ?? []) ended.add(id)
      if (result?.id !== mutation.id || result?.ended.length) saved += 1
    })
    return items.map(({ mutation }) => mutation.id)
  }

  async function record(writes: Write[]): Promise<void> {
    const made: MutationInput[] = []
    for (const write of writes) {
      // An app creates a note once, while it has none.
      if (write.kind === 'create' && plain.notes.has(write.name)) continue
      const input = inputOf(write)
      plain.apply(`${++called}`, String(input.method ?? 'POST'), write.name, input.json)
      made.push(input)
    }
    ids.push(...(await append(made)))
  }

  async function dependOn(index: number): Promise<void> {
    const id = ids[index % ids.length]
    if (id === undefined) return
    await append([
      { url: `/api/photos?of={ref:${id}#/carrier}`, json: { of: { $ref: [id, '/carrier'] } }, meta: { of: id } },
    ])
  }

  async function claim(at: number): Promise<void> {
    const ready = (await queue()).filter(({ key }) => placeOf(key) === 'ready')
    const mutation = ready[at % ready.length]
    if (!mutation) return
    const lease = { holder: 'me', token: mutation.fence + 1, until: 10 }
    await changeQueue(storage, queue => move(queue, { ...mutation, fence: lease.token, lease }, { in: 'sending' }))
  }

  async function end(at: number, act: (sending: Mutation) => Promise<void>): Promise<void> {
    const isSending = ({ key }: Mutation) => placeOf(key) === 'sending'
    if (!(await queue()).some(isSending)) await claim(at)
    const sending = (await queue()).filter(isSending)
    const mutation = sending[at % sending.length]
    if (mutation) await act(mutation)
  }

  async function confirm(mutation: Mutation): Promise<void> {
    await arrive(storage, { server, carriers }, mutation)
    delivered.push(mutation.id)
    if (mutation.entity !== undefined) {
      expect(mutation.sequence).toBeGreaterThan(lastSequence.get(mutation.entity) ?? 0)
      lastSequence.set(mutation.entity, mutation.sequence)
    }
    const settlement = { kind: 'confirmed', status: 200, headers: {}, body: { carrier: mutation.id } } as const
    await changeQueue(storage, async queue => {
      await takeOut(queue, mutation, settlement, 1)
      await queue.tx.objectStore('meta').put({ at: 1, settlement }, `settled:${mutation.id}`)
      if (mutation.body.kind === 'apart') await queue.tx.objectStore('blobs').delete(mutation.body.blobKey)
    })
  }

  async function fail({ lease: _over, ...mutation }: Mutation): Promise<void> {
    await changeQueue(storage, queue => putBack(queue, { ...mutation, failures: mutation.failures + 1 }, 1))
  }

  async function loseAnswer(mutation: Mutation): Promise<void> {
    await arrive(storage, { server, carriers }, mutation)
    await fail(mutation)
  }

  /** Delivers whatever can be delivered. */
  async function drain(): Promise<void> {
    const canGoOn = ({ key }: Mutation) => placeOf(key) === 'ready' || placeOf(key) === 'sending'
    while ((await queue()).some(canGoOn)) await end(0, confirm)
  }

  return {
    ...{ record, dependOn, claim, drain, queue, plain, server, carriers, ended, delivered },
    confirm: (at: number) => end(at, confirm),
    fail: (at: number) => end(at, fail),
    loseAnswer: (at: number) => end(at, loseAnswer),
    saved: () => saved,
  }
}

/** What the server sees of a mutation. */
async function arrive(
  storage: Storage,
  { server, carriers }: { server: Server; carriers: ReadonlyMap<string, string> },
  mutation: Mutation,
): Promise<void> {
  const { id, url, headers, body, method, entity, meta } = mutation
  const text =
    body.kind === 'apart'
      ? await storage.blobs.getItem<string>(body.blobKey)
      : body.kind === 'json'
        ? body.text
        : undefined
  const sent = resolveReferences({ url, headers, body: text ?? undefined, isJson: text !== undefined }, mutation)
  if (!sent.ok) throw new Error(`${sent.missing}: ${sent.reason}`)
  const json: unknown = typeof sent.body === 'string' ? JSON.parse(sent.body) : undefined
  if (entity !== undefined) server.apply(id, method, entity.slice('note:'.length), json)
  // The answer of the very mutation that carried what this one depends on.
  else
    expect([sent.url.split('of=')[1], json]).toEqual([
      carriers.get(String(meta?.of)),
      { of: carriers.get(String(meta?.of)) },
    ])
}

async function expectConsistent(storage: Storage): Promise<void> {
  const waiting = await storage.mutations.range<Mutation>()
  const counters = await storage.meta.getItem<Counters>(COUNTERS_KEY)
  const bytes = waiting.reduce((sum, mutation) => sum + sizeOf(mutation), 0)
  const tally = { pending: waiting.length, bytes, held: 0, dead: 0 }
  expect(counters?.lanes ?? {}).toEqual(waiting.length === 0 ? {} : { '': tally })
  const needed = waiting.flatMap(({ body }) => (body.kind === 'apart' ? [body.blobKey] : []))
  expect(await storage.blobs.keys()).toEqual(needed.sort())
  for (const name of NAMES) {
    const ofEntity = waiting.filter(({ entity }) => entity === `note:${name}`).sort((a, b) => a.sequence - b.sequence)
    const places = ofEntity.map(({ key }) => placeOf(key))
    expect(places.slice(1).every(place => place === 'blocked')).toBe(true)
    expect(places[0] ?? 'ready').toMatch(/ready|sending/)
  }
}

it('leaves the server with what it would have without coalescing, in order, and counts right', async () => {
  let saved = 0
  let runs = 0
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 8, maxLength: 20, size: 'max' }), async events => {
      const storage = await openStorage({ name: `coalescing-model-${++runs}` })
      const run = createRun(storage)
      for (const event of events) {
        if ('writes' in event) await run.record(event.writes)
        else if ('dependsOn' in event) await run.dependOn(event.dependsOn)
        else await run[event.step](event.at)
        await expectConsistent(storage)
      }
      await run.drain()
      await expectConsistent(storage)
      for (const name of NAMES) {
        expect(isSameJson(run.server.notes.get(name) ?? null, run.plain.notes.get(name) ?? null)).toBe(true)
      }
      await expectAllEnded(run)
      saved += run.saved()
      storage.close()
    }),
    { numRuns: 80 },
  )
  expect(saved).toBeGreaterThan(40)
})

/** Each write was delivered by its carrier or has ended with it; whoever depends on one that has ended says so. */
async function expectAllEnded({ queue, carriers, ended, delivered }: ReturnType<typeof createRun>): Promise<void> {
  const left = await queue()
  for (const [id, carrier] of carriers) {
    const isLeft = left.some(mutation => mutation.id === carrier)
    expect(
      [delivered.includes(carrier), ended.has(carrier), isLeft].filter(Boolean),
      `${id} by ${carrier}`,
    ).toHaveLength(1)
  }
  for (const { waitsFor = [], blockedBy } of left) {
    expect(waitsFor).toHaveLength(1)
    expect(ended.has(String(waitsFor[0]))).toBe(true)
    expect(blockedBy).toEqual({ id: waitsFor[0], reason: 'parent-cancelled' })
  }
}
