import type { StorageFault } from './device-database.ts'
import type { NetworkFault } from './network-model.ts'
import type { Environment, Fault } from './plan.ts'
import type { Random } from './random.ts'

const NETWORK: [NetworkFault, ...NetworkFault[]] = [
  'drop-request',
  'drop-answer',
  'silence',
  'duplicate',
  'delay',
  'truncate',
  'gateway-503',
  'gateway-429',
  'gateway-504-after',
]
/** Those that only a batch meets. */
const BATCH: [NetworkFault, ...NetworkFault[]] = ['too-large', 'no-batches', 'batch-fails']
const STORAGE: [StorageFault, ...StorageFault[]] = ['fail', 'quota', 'closing', 'terminated']

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** One thing that goes wrong, of those that can in this environment. */
export function planFault(random: Random, chaosMs: number, { batch, refresh }: Environment): Fault {
  const from = random.below(chaosMs)
  const to = from + random.below(chaosMs)
  if (refresh !== undefined && random.chance(0.3)) return authFault(random, from)
  if (batch && random.chance(0.15)) {
    return { kind: 'network', request: random.between(1, 6), effect: random.pick(BATCH) }
  }
  const dice = random.next()
  const ordinal = random.between(1, random.chance(0.5) ? 60 : 300)
  if (dice < 0.33) return { kind: 'network', request: random.between(1, 15), effect: random.pick(NETWORK) }
  if (dice < 0.48) return { kind: 'storage', transaction: random.between(1, 60), effect: random.pick(STORAGE) }
  if (dice < 0.51) return { kind: 'open', opening: random.between(1, 6) }
  if (dice < 0.71) return { kind: 'kill', ordinal, scope: random.chance(0.7) ? 'context' : 'browser' }
  if (dice < 0.76)
    return { kind: 'freeze-sender', request: random.between(1, 10), ms: random.pick([20_000, 10 * MINUTE]) }
  if (dice < 0.81) return { kind: 'freeze', ordinal, ms: random.pick([500, 20_000, 3 * MINUTE, 10 * MINUTE]) }
  if (dice < 0.86) return { kind: 'clock', at: from, byMs: random.pick([-DAY, -MINUTE, MINUTE, 90 * MINUTE, DAY]) }
  if (dice < 0.91) return { kind: 'offline', from, to }
  if (dice < 0.95) return { kind: 'dead-network', from, to }
  if (dice < 0.98) return { kind: 'hang', from: 0, to }
  return { kind: 'deaf-channel' }
}

function authFault(random: Random, at: number): Fault {
  if (random.chance(0.5)) return { kind: 'token-expires', at: random.chance(0.5) ? random.below(1_000) : at }
  return { kind: 'auth', call: random.between(1, 8), effect: random.pick(['throws', 'hangs']) }
}
