import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createEngine, type Engine } from './engine.fixture.ts'
import type { Handlers } from './handlers.ts'
import type { Judge } from './own-judge.ts'
import { HELD_KEY } from './pause.ts'
import { settledKey } from './settled.ts'

let engine: Engine
let reported: unknown[]

beforeEach(async () => {
  engine = await createEngine()
  reported = []
  // Node has no such function; every browser that runs a service worker does.
  vi.stubGlobal('reportError', (error: unknown) => reported.push(error))
})

afterEach(() => {
  vi.unstubAllGlobals()
  engine.close()
})

const answering = (status: number) => new Response(null, { status })

async function judged(status: number, judge: Judge) {
  await engine.settings({ judge: 'mine' })
  const [id = ''] = await engine.record('/a')
  engine.answer = () => answering(status)
  const result = await engine.drain({ ports: { handlers: { judges: { mine: judge } } } })
  return { id, result }
}

describe('the judge of the app, by its name', () => {
  it('may take a refusal for success', async () => {
    const { id, result } = await judged(404, ({ status }) => (status === 404 ? { kind: 'confirmed' } : undefined))
    expect(result).toMatchObject({ synced: 1, failed: 0, remaining: 0 })
    expect(await engine.meta(settledKey(id))).toMatchObject({ settlement: { kind: 'confirmed', status: 404 } })
  })

  it('may make a dead letter of what the table would try again', async () => {
    const { id, result } = await judged(503, () => ({ kind: 'refused', reason: 'No more.' }))
    expect(result).toMatchObject({ synced: 0, failed: 1, remaining: 0 })
    expect(await engine.dead()).toMatchObject([{ reason: 'refused', status: 503, mutation: { id, attempts: 1 } }])
  })

  it('may hold the queue, at no cost', async () => {
    const { result } = await judged(422, () => ({ kind: 'hold' }))
    expect(result).toMatchObject({ synced: 0, failed: 0, remaining: 1 })
    expect(await engine.meta(HELD_KEY)).toMatchObject({ status: 422 })
    expect(await engine.queue()).toMatchObject([{ attempts: 0 }])
  })

  it('may take a success for a failure', async () => {
    const { result } = await judged(200, () => ({ kind: 'retry' }))
    expect(result).toMatchObject({ synced: 0, remaining: 1 })
    expect(await engine.queue()).toMatchObject([{ attempts: 1 }])
  })

  it('sees status, headers and body of the answer', async () => {
    const seen: unknown[] = []
    await engine.settings({ judge: 'mine' })
    await engine.record('/a')
    engine.answer = () => Response.json({ ok: false }, { status: 200, headers: { 'x-code': '7' } })
    const mine: Judge = ({ status, headers, body }) => {
      seen.push([status, headers['x-code'], body])
      return { kind: 'refused' }
    }
    await engine.drain({ ports: { handlers: { judges: { mine } } } })
    expect(seen).toEqual([[200, '7', { ok: false }]])
    expect(await engine.dead()).toHaveLength(1)
  })

  const fault = new Error('a bug in the app')
  const faulty: [string, Judge, unknown][] = [
    [
      'throws',
      () => {
        throw fault
      },
      fault,
    ],
    ['gives what is no verdict', () => ({ kind: 'perhaps' }) as never, { kind: 'perhaps' }],
    ['gives a promise', (async () => ({ kind: 'refused' })) as never, expect.any(Promise)],
  ]
  for (const [how, judge, error] of faulty) {
    it(`that ${how} leaves it to the table, and the error is reported`, async () => {
      const { result } = await judged(200, judge)
      expect(result).toMatchObject({ synced: 1, remaining: 0 })
      expect(reported).toEqual([error])
    })
  }

  const without: (Handlers | undefined)[] = [undefined, { judges: {} }, { judges: { other: () => undefined } }]
  for (const handlers of without) {
    it(`that this context does not have makes the drain reject: ${JSON.stringify(handlers)}`, async () => {
      await engine.settings({ judge: 'mine' })
      await engine.record('/a')
      await expect(engine.drain({ ports: { handlers } })).rejects.toMatchObject({ code: 'invalid-options' })
      expect(engine.sent).toEqual([])
      expect(await engine.queue()).toHaveLength(1)
    })
  }
})

describe('403', () => {
  it('is a dead letter, and a hold where the app says so', async () => {
    await engine.record('/a')
    engine.answer = () => answering(403)
    expect(await engine.drain()).toMatchObject({ failed: 1 })
    expect(await engine.meta(HELD_KEY)).toBeUndefined()

    await engine.settings({ forbidden: 'hold' })
    await engine.record('/b')
    expect(await engine.drain()).toMatchObject({ failed: 0, remaining: 1 })
    expect(await engine.meta(HELD_KEY)).toMatchObject({ status: 403 })
    expect(await engine.queue()).toMatchObject([{ attempts: 0 }])
  })
})
