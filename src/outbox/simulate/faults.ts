import type { Context } from './context.ts'
import type { StorageFault } from './device-database.ts'
import type { NetworkFault } from './network-model.ts'
import type { Fault, Plan } from './plan.ts'

/** Says, at each place where something may go wrong, whether the plan wants it there. */
export interface Faults {
  /** When anything may go wrong: not before the database is made, and not when all is well. */
  isOn: boolean
  /** Counts a request that is sent. */
  request(): NetworkFault | undefined
  /** Counts a transaction that begins. */
  transaction(mode: IDBTransactionMode): StorageFault | undefined
  /** Counts an opening of the database. */
  opening(): boolean
  /** For how long the sender of the last request is frozen, in milliseconds. */
  freezesSender(): number
  /** Counts a question to the auth provider for headers. */
  auth(): 'throws' | 'hangs' | undefined
  /** Whether the origin that hangs does so now. */
  hangs(now: number): boolean
  /** How many of the server's tokens have run out by now. */
  expired(now: number): number
  atYieldPoint(ordinal: number): { freezeMs: number; kills: 'context' | 'browser' | undefined }
  network(now: number): 'up' | 'offline' | 'dead'
  /** How far the device's clock is off, in milliseconds. */
  clockOff(now: number): number
  /** How often each kind struck. */
  struck: Map<string, number>
}

export function createFaults({ faults: planned }: Plan): Faults {
  const counts = { requests: 0, transactions: 0, openings: 0, auth: 0 }
  const struck = new Map<string, number>()

  function strike<K extends Fault['kind']>(kind: K, matches: (fault: Fault & { kind: K }) => boolean) {
    if (!faults.isOn) return undefined
    const fault = planned.find((one): one is Fault & { kind: K } => isOfKind(one, kind) && matches(one))
    if (fault) struck.set(kind, (struck.get(kind) ?? 0) + 1)
    return fault
  }
  const isDuring = (kind: 'offline' | 'dead-network' | 'hang', now: number) =>
    faults.isOn && planned.some(fault => isOfKind(fault, kind) && fault.from <= now && now < fault.to)

  const faults: Faults = {
    isOn: false,
    struck,
    request() {
      counts.requests += 1
      return strike('network', ({ request }) => request === counts.requests)?.effect
    },
    transaction(mode) {
      counts.transactions += faults.isOn ? 1 : 0
      const fault = strike('storage', ({ transaction }) => transaction === counts.transactions)
      return fault?.effect === 'quota' && mode === 'readonly' ? undefined : fault?.effect
    },
    opening() {
      counts.openings += faults.isOn ? 1 : 0
      return strike('open', ({ opening }) => opening === counts.openings) !== undefined
    },
    freezesSender: () => strike('freeze-sender', ({ request }) => request === counts.requests)?.ms ?? 0,
    auth() {
      counts.auth += 1
      return strike('auth', ({ call }) => call === counts.auth)?.effect
    },
    hangs: now => isDuring('hang', now),
    expired: now => planned.filter(fault => fault.kind === 'token-expires' && fault.at <= now).length,
    atYieldPoint: ordinal => ({
      freezeMs: strike('freeze', fault => fault.ordinal === ordinal)?.ms ?? 0,
      kills: strike('kill', fault => fault.ordinal === ordinal)?.scope,
    }),
    network: now => (isDuring('offline', now) ? 'offline' : isDuring('dead-network', now) ? 'dead' : 'up'),
    clockOff: now =>
      planned.reduce((sum, fault) => sum + (fault.kind === 'clock' && fault.at <= now ? fault.byMs : 0), 0),
  }
  return faults
}

function isOfKind<K extends Fault['kind']>(fault: Fault, kind: K): fault is Fault & { kind: K } {
  return fault.kind === kind
}

/** Keeps those frozen that were frozen while they sent something, until somebody else sends it: the worst moment. */
export function createSleepers() {
  const asleep = new Map<string, Context>()
  return {
    put(context: Context, key: string, until: number) {
      context.frozenUntil = until
      asleep.set(key, context)
    },
    isOvertaken(context: Context, key: string, at: number) {
      const sleeper = asleep.get(key)
      if (sleeper && sleeper !== context) sleeper.frozenUntil = Math.min(sleeper.frozenUntil, at)
    },
  }
}
