import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Storage } from '../storage/open-storage.ts'
import { drain } from './drain.ts'
import { createEngine, type Engine } from './engine.fixture.ts'

let engine: Engine

beforeEach(async () => {
  engine = await createEngine()
})
afterEach(() => engine.close())

it('takes over what a sender without the lock left behind, also where the clock was set back by a day since', async () => {
  await engine.record('/a')
  await leaveLease(120_000)
  engine.time.set(engine.time.now() - 24 * 3_600_000)
  await engine.drainFor({ budgetMs: 120_000, eager: false })
  expect(engine.paths()).toEqual(['/a'])
})

it('leaves a lease alone that may be in use', async () => {
  await engine.record('/a')
  await leaveLease(120_000)
  await engine.drainFor({ budgetMs: 60_000, eager: false })
  expect(engine.paths()).toEqual([])
})

it('says nothing of the network where the page was put away in the middle of a request', async () => {
  await engine.record('/a')
  const away = new AbortController()
  engine.answer = () => {
    away.abort()
    return new Promise(() => undefined)
  }
  const result = await engine.drain({ ports: { signal: away.signal } })
  expect(engine.paths()).toEqual(['/a'])
  expect(result.reached).toBeUndefined()
})

/** A context without Web Locks claims, and is killed when its request has left. */
function leaveLease(budgetMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let isDead = false
    const transact: Storage['transact'] = (...args) =>
      isDead ? new Promise(() => undefined) : engine.storage.transact(...args)
    const ports = {
      ...engine.ports,
      holder: 'killed',
      storage: { ...engine.storage, transact },
      timeout: () => new AbortController().signal,
      fetch() {
        isDead = true
        resolve()
        return new Promise<never>(() => undefined)
      },
    }
    drain(ports, { deadline: engine.time.now() + budgetMs, eagerBefore: 0, exclusive: false }).catch(reject)
  })
}
