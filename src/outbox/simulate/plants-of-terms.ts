import { BATCH_MEDIA_TYPE } from '../../protocol/batch.ts'
import type { Mutation } from '../../protocol/mutation.ts'
import { placeOf } from '../../protocol/queue-range.ts'
import type { Storage } from '../../storage/open-storage.ts'
import { PRINCIPAL_KEY } from '../principal.ts'
import type { Plant } from './plants.ts'

/** A reference is filled from the answer to another write than the one that it names. */
export function referenceFromWrongParent(): Plant {
  const seen: unknown[] = []
  return {
    afterCommit: ({ database }) => {
      for (const [key, mutation] of database.records<Mutation>('mutations')) {
        const [parent, values] = Object.entries(mutation.answers ?? {})[0] ?? []
        if (parent === undefined || values === undefined || values.planted) continue
        const other = seen.find(one => one !== values['/id'])
        seen.push(values['/id'])
        if (other === undefined) continue
        const answers = { ...mutation.answers, [parent]: { ...values, '/id': other, planted: true } }
        database.put('mutations', key, { ...mutation, answers })
      }
    },
  }
}

/** A write is joined with one that was attempted before. */
export function coalescedOntoAttempted(): Plant {
  return {
    storage: ({ storage }) =>
      over(storage, (store, method, result) => {
        const isLast = store === 'mutations' && method === 'openCursor'
        const cursor = result as { value: Mutation } | null
        if (!isLast || !cursor || cursor.value.lease) return result
        const { nextAttemptAt: _at, lastError: _error, lastAttemptAt: _last, held: _held, ...waiting } = cursor.value
        return { value: { ...waiting, attempts: 0, failures: 0, fence: 0 } }
      }),
  }
}

/** Whoever's writes are ready are sent, whoever uses the app. */
export function principalIgnored(): Plant {
  return {
    storage: ({ storage, database }) =>
      over(storage, (store, method, result, key) => {
        if (store !== 'meta' || method !== 'get' || key !== PRINCIPAL_KEY) return result
        const waiting = [...database.records<Mutation>('mutations').values()]
        const other = waiting.find(one => placeOf(one.key) === 'ready' && one.principal !== result)
        return other ? other.principal : result
      }),
  }
}

/** The n-th answer of a batch is taken for that to its n-th member. */
export function batchAnswersByPosition(): Plant {
  return {
    fetch:
      ({ fetch }) =>
      async (url, init) => {
        const answer = await fetch(url, init)
        if (answer.headers.get('content-type') !== BATCH_MEDIA_TYPE) return answer
        const { requests } = JSON.parse(String(init?.body)) as { requests: { id: string }[] }
        const { version, answers } = JSON.parse(await answer.text()) as { version: number; answers: object[] }
        const taken = answers.map((one, index) => ({ ...one, id: requests[index]?.id }))
        return new Response(JSON.stringify({ version, answers: taken }), { headers: answer.headers })
      },
  }
}

type Change = (store: string, method: string, result: unknown, key: unknown) => unknown

/** The storage, with what its requests within transactions give changed. */
function over(storage: Storage, change: Change): Storage {
  const transact: Storage['transact'] = (stores, mode, work, options) =>
    storage.transact(stores, mode, tx => work(watched(tx, '', change)), options)
  return { ...storage, transact }
}

function watched<T extends object>(target: T, store: string, change: Change): T {
  return new Proxy(target, {
    get(from, name) {
      const value: unknown = Reflect.get(from, name)
      if (typeof value !== 'function') return value
      return (...given: unknown[]) => {
        const result: unknown = value.apply(from, given)
        if (name === 'objectStore') return watched(result as object, String(given[0]), change)
        if (name === 'index') return watched(result as object, store, change)
        if (!(result instanceof Promise)) return result
        return result.then(one => change(store, String(name), one, given[0]))
      }
    },
  })
}
