import type { Channel } from '../tabs/channel.ts'
import type { Receipts } from './receipts.ts'
import { createStatus, type StatusPorts } from './status.ts'
import { startTriggers } from './triggers.ts'
import type { User } from './user.ts'
import type { Wake } from './wake.ts'

export interface LivePorts extends Omit<StatusPorts, 'usedShare'> {
  channel: Channel
  wake: Wake
  receipts: Receipts
  user: User
  signal: AbortSignal
}

/** What goes on while the page is open: the status follows what happens, and something always looks at the queue again. */
export function startLive({ channel, wake, receipts, user, signal, ...ports }: LivePorts): void {
  const status = createStatus({ ...ports, usedShare })
  const triggers = startTriggers({
    window,
    document,
    wake,
    signal,
    now: ports.now,
    mayHavePending: status.mayHavePending,
    onOnline: status.setOnline,
    onShown: async () => {
      await Promise.all([status.refresh(), receipts.refresh()])
    },
  })
  channel.onMessage(message => {
    if (message.type === 'changed')
      ports
        .open()
        .then(user.follow)
        .then(status.refresh, () => undefined)
    status.hear(message)
    triggers.hear(message)
  })
}

/** Engines without it, and insecure contexts, tell nothing. */
async function usedShare(): Promise<number> {
  const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {}
  return quota > 0 ? usage / quota : 0
}
