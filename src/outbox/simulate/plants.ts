import type { Mutation } from '../../protocol/mutation.ts'
import type { Storage } from '../../storage/open-storage.ts'
import type { Audit } from './audit.ts'
import type { Context } from './context.ts'
import type { DeviceDatabase } from './device-database.ts'

/** What a planted bug may look at. */
interface Moment {
  context: Context
  mode: IDBTransactionMode
  database: DeviceDatabase
  audit: Audit
}

/** A bug that is put between the shipping code and its ports, to see that the simulator finds it. */
export interface Plant {
  /** Before a transaction of a context begins. */
  beforeBegin?: (moment: Moment) => void
  /** After one that writes is complete, and before its context knows. */
  afterCommit?: (moment: Moment) => void
  /** The storage as a context's appends and drains see it. */
  storage?: (ports: Pick<Moment, 'context' | 'database' | 'audit'> & { storage: Storage }) => Storage
  fetch?: (ports: Pick<Moment, 'context' | 'database' | 'audit'> & { fetch: typeof fetch }) => typeof fetch
}

/** As Workbox does: what is being sent is out of the queue, and put back when the attempt failed. */
export function removeBeforeSend(): Plant {
  const taken = new Map<Context, Map<string, Mutation>>()
  return {
    afterCommit: ({ context, database }) => {
      const own = taken.get(context) ?? new Map<string, Mutation>()
      taken.set(context, own)
      for (const [key, mutation] of database.records<Mutation>('mutations')) {
        if (mutation.lease?.holder !== context.name) continue
        own.set(key, mutation)
        database.remove('mutations', key)
      }
    },
    beforeBegin: ({ context, mode, database }) => {
      if (mode === 'readonly') return
      for (const [key, mutation] of taken.get(context) ?? []) database.put('mutations', key, mutation)
      taken.get(context)?.clear()
    },
  }
}

/** A settlement that does not look whether its lease is still the present one. */
export function leaseWithoutFence(): Plant {
  return {
    fetch: ({ context, fetch, audit }) => {
      return async (url, init) => {
        const answer = await fetch(url, init)
        const claim = audit.claimsOf(context).get(keyOf(init))
        if (claim) claim.isAnswered = true
        return answer
      }
    },
    beforeBegin: ({ context, mode, database, audit }) => {
      if (mode === 'readonly') return
      const answered = [...audit.claimsOf(context)].filter(([, { isAnswered }]) => isAnswered)
      for (const [key, mutation] of database.records<Mutation>('mutations')) {
        const claim = answered.find(([id]) => id === mutation.id)?.[1]
        if (claim && mutation.lease?.token !== claim.lease.token) {
          database.put('mutations', key, { ...mutation, lease: claim.lease })
        }
      }
    },
  }
}

/** A network that is not there counts as an answer that asks for another attempt. */
export function attemptsBurnedOffline(): Plant {
  return {
    fetch:
      ({ fetch }) =>
      (url, init) =>
        fetch(url, init).catch(error => {
          if (error instanceof TypeError) return new Response(null, { status: 503 })
          throw error
        }),
  }
}

/** What is urgent is sent before what waits in front of it, in one entity too. */
export function orderBrokenByPriority(): Plant {
  return {
    fetch:
      ({ fetch, database, audit }) =>
      async (url, init) => {
        const sent = audit.writes.find(({ id }) => id === keyOf(init))
        const urgent = [...database.records<Mutation>('mutations').values()].find(({ id, body }) => {
          const spec = audit.writes.find(write => write.id === id)?.spec
          return spec?.urgent && spec.entity === sent?.spec.entity && id !== sent?.id && body.kind === 'json'
        })
        if (urgent?.entity !== undefined && urgent.body.kind === 'json') {
          const headers = [...urgent.headers, ['idempotency-key', `"${urgent.id}"`]] as [string, string][]
          await fetch(urgent.url, { ...init, headers, body: urgent.body.text })
        }
        return fetch(url, init)
      },
  }
}

/** A conflict passes for success. */
export function conflictTakenAsSuccess(): Plant {
  return {
    fetch:
      ({ fetch }) =>
      async (url, init) => {
        const answer = await fetch(url, init)
        if (answer.status !== 409) return answer
        const text = await answer.text()
        return new Response(text, { status: 200, headers: answer.headers })
      },
  }
}

function keyOf(init: RequestInit | undefined): string {
  return (new Headers(init?.headers).get('idempotency-key') ?? '').replaceAll('"', '')
}
