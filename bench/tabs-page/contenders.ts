import { BroadcastChannel as Channel, createLeaderElection } from 'broadcast-channel'
import { openHoldfast } from './outbox.ts'

export type ContenderName = 'ours' | 'bareLock' | 'broadcastChannel'

/** Takes part in an election from this call on; says whether this tab leads, and calls `onLead` when it begins to. */
export type Contender = (onLead: () => void) => () => boolean

export const CONTENDERS: Record<ContenderName, Contender> = {
  ours(onLead) {
    const { status } = openHoldfast()
    status.subscribe(({ leader }) => {
      if (leader) onLead()
    })
    return () => status.get().leader
  },

  /** What a Web Lock costs by itself: one request that waits, and a holder that keeps it. */
  bareLock(onLead) {
    let isHeld = false
    void navigator.locks.request('bare', () => {
      isHeld = true
      onLead()
      return new Promise(() => {})
    })
    return () => isHeld
  },

  broadcastChannel(onLead) {
    const elector = createLeaderElection(new Channel('peer'))
    void elector.awaitLeadership().then(onLead)
    return () => elector.isLeader
  },
}
