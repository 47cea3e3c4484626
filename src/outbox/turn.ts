import { isHoldfastError } from '../protocol/errors.ts'
import type { Mutation } from '../protocol/mutation.ts'
import type { Storage } from '../storage/open-storage.ts'
import { type Claim, type ClaimOptions, claimIn } from './claim.ts'
import { QUEUE_STORES } from './queue-moves.ts'
import { type Ending, type KeepingPorts, release, type Settled, type SettlePorts, settleIn } from './settle.ts'

/** An attempt that has ended. */
export interface Ended {
  mutation: Mutation
  ending: Ending
}

export interface Turn {
  /** One for each of the ended, in their order. */
  settled: Settled[]
  claim: Claim
  /** How many it was ready to take: fewer than asked for on a device that is full. */
  limit: number
}

export interface TurnOptions {
  ended: readonly Ended[]
  /** What was claimed before and cannot be sent now. */
  returned: readonly Mutation[]
  claim: ClaimOptions
}

/**
 * One turn of the drain, in one transaction: records how attempts ended, gives back what cannot be sent now, and takes
 * what may be sent next, which may be what was behind them.
 */
export async function takeTurn(storage: Storage, options: TurnOptions, ports: SettlePorts): Promise<Turn> {
  try {
    return await tryTurn(storage, options, { ...ports, keepsAnswers: true })
  } catch (error) {
    if (!isHoldfastError(error) || error.code !== 'quota-exceeded') throw error
    // A device that is full gets room by what leaves the queue: without the answers, and without taking more.
    return tryTurn(storage, { ...options, claim: { ...options.claim, limit: 0 } }, { ...ports, keepsAnswers: false })
  }
}

function tryTurn(storage: Storage, { ended, returned, claim }: TurnOptions, ports: KeepingPorts): Promise<Turn> {
  return storage.transact(
    QUEUE_STORES,
    'readwrite',
    async tx => {
      const settled: Settled[] = []
      for (const { mutation, ending } of ended) settled.push(await settleIn(tx, mutation, ending, ports))
      for (const mutation of returned) await release(tx, mutation, ports.now())
      return { settled, claim: await claimIn(tx, claim), limit: claim.limit }
    },
    // What a power cut takes from here, a lease or a removal, is sent again under the same key, which the server knows.
    { durability: 'relaxed' },
  )
}
