import type { ElectionFault, ElectionPlan } from './elections-plan.ts'
import type { Random } from './random.ts'

/** Says, at each place where something may go wrong, whether it does. */
export interface ElectionFaults {
  losesMessage(): boolean
  /** Milliseconds on its way. */
  messageDelay(): number
  refuses(mode: IDBTransactionMode): boolean
  /** How often each kind struck. */
  struck: Map<string, number>
}

export function createElectionFaults(plan: ElectionPlan, random: Random, now: () => number): ElectionFaults {
  const struck = new Map<string, number>()
  const strikes = (fault: ElectionFault) => fault.from <= now() && now() < fault.to && random.chance(fault.share)
  const strike = <F extends ElectionFault>(fault: F | undefined): F | undefined => {
    if (fault) struck.set(fault.kind, (struck.get(fault.kind) ?? 0) + 1)
    return fault
  }
  return {
    struck,
    losesMessage: () => strike(plan.faults.find(fault => fault.kind === 'loss' && strikes(fault))) !== undefined,
    messageDelay() {
      const slow = strike(plan.faults.find(fault => fault.kind === 'delay' && strikes(fault)))
      return random.between(0, slow?.kind === 'delay' ? slow.ms : plan.environment.latencyMs)
    },
    refuses: mode =>
      strike(
        plan.faults.find(fault => fault.kind === 'refuse' && (fault.all || mode === 'readwrite') && strikes(fault)),
      ) !== undefined,
  }
}
