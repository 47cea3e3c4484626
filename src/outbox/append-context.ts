import { HoldfastError } from '../protocol/errors.ts'
import { entityKey } from '../protocol/mutation.ts'
import type { Counters } from './counters.ts'
import type { PreparedMutation } from './mutation-input.ts'

/** How much may wait on this device at once, whoever's it is. */
export interface QueueLimits {
  mutations: number
  /** Of their bodies, in bytes (characters of text). */
  bytes: number
}

/** What an append must know besides the mutation. */
export interface AppendContext {
  /** Whose the mutations are. */
  principal: string | undefined
  limits: QueueLimits
}

export const ofNobody = (): AppendContext => ({
  principal: undefined,
  limits: { mutations: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY },
})

/** The mutation as its owner's. */
export function owned(item: PreparedMutation, { principal }: Pick<AppendContext, 'principal'>): PreparedMutation {
  const { entity } = item.mutation
  if (principal === undefined) return item
  const mine = { ...item.mutation, principal, ...(entity !== undefined && { entity: entityKey(entity, principal) }) }
  return { ...item, mutation: mine }
}

/** The error of code `outbox-full`, where more would wait than may. */
export function whyFull({ lanes }: Counters, { limits }: AppendContext): HoldfastError | undefined {
  const tallies = Object.values(lanes)
  for (const [limit, counts] of [
    ['mutations', 'pending'],
    ['bytes', 'bytes'],
  ] as const) {
    const total = tallies.reduce((sum, tally) => sum + tally[counts], 0)
    if (total > limits[limit]) return full(limit, limits[limit])
  }
  return undefined
}

function full(limit: keyof QueueLimits, value: number): HoldfastError {
  return new HoldfastError({
    code: 'outbox-full',
    action: 'record the mutation',
    reason: `the outbox is at its limit of ${value} ${limit}`,
    hint: 'Nothing was stored. Try again when some of what waits is delivered; status.pressure tells before it comes to that.',
  })
}
