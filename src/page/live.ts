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
  const status = createStatus({ ...ports, usedShare: createUsedShare(ports.now) })
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

/** How long what the browser says of its room is good for: to find out may cost it some time. Milliseconds. */
const ROOM_GOOD_FOR_MS = 10_000

/** Engines without it, and insecure contexts, tell nothing. Never rejects. */
function createUsedShare(now: () => number): () => Promise<number> {
  let askedAt = Number.NEGATIVE_INFINITY
  let share = Promise.resolve(0)
  return () => {
    const age = now() - askedAt
    if (age >= 0 && age < ROOM_GOOD_FOR_MS) return share
    askedAt = now()
    share = askShare().catch(() => 0)
    return share
  }
}

async function askShare(): Promise<number> {
  const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {}
  return quota > 0 ? usage / quota : 0
}
