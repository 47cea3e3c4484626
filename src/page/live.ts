import { LINK_KEY } from '../outbox/follow-link.ts'
import { writeAsLeader } from '../outbox/terms.ts'
import { isLink, type Link } from '../protocol/link.ts'
import type { ChannelMessage } from '../protocol/messages.ts'
import type { Channel } from '../tabs/channel.ts'
import { type Connectivity, type ConnectivityPorts, createConnectivity } from './connectivity/connectivity.ts'
import { followPageLife } from './page-life.ts'
import type { Receipts } from './receipts.ts'
import { createStatus, type StatusPorts } from './status.ts'
import { createTabs, type Tabs, type TabsPorts } from './tabs.ts'
import { startTriggers, type TriggersOptions } from './triggers.ts'
import { createUsedShare } from './used-share.ts'
import type { User } from './user.ts'
import type { Wake } from './wake.ts'

export interface LivePorts
  extends Omit<StatusPorts, 'usedShare'>,
    Omit<TabsPorts, 'onChange'>,
    Pick<ConnectivityPorts, 'fetch' | 'isOnline' | 'connection' | 'probe'>,
    Pick<TriggersOptions, 'attend' | 'window' | 'document' | 'workerReady'> {
  channel: Channel
  wake: Wake
  /** Drains in this page. */
  drain: (eager: boolean) => Promise<unknown>
  /** Ends what this page is sending, and begins nothing more until it may again. */
  stopDraining: () => void
  allowDraining: () => void
  receipts: Receipts
  user: User
}

/** What goes on while the page is open. */
export interface Live {
  /** Whether the leading tab was asked to drain, so that this one need not: for a page without a worker. */
  leavesToLeader(eager: boolean): boolean
}

/**
 * What goes on while the page is open: the status follows what happens, the tabs have a leader that watches the network,
 * and something always looks at the queue again.
 */
export function startLive(ports: LivePorts): Live {
  const { channel, receipts, user, drain, signal } = ports
  const status = createStatus({ ...ports, usedShare: createUsedShare(ports.now) })
  const onShown = async () => {
    await Promise.all([status.refresh(), receipts.refresh()])
  }
  const connectivity: Connectivity = createConnectivity({
    ...ports,
    onChange(link) {
      const isBack = link.online && !status.online()
      status.setLink(link)
      if (tabs.election.leadership()) tell(ports, tabs, link)
      if (isBack) triggers.reconnected()
    },
  })
  const tabs = createTabs({
    ...ports,
    onChange(leadership) {
      status.setLeader(leadership !== undefined)
      if (leadership) connectivity.start()
      else connectivity.stop()
    },
  })
  const isFollower = () => !tabs.election.leadership() && tabs.election.leader() !== undefined
  const triggers = startTriggers({
    ...ports,
    mayHavePending: status.mayHavePending,
    isFollower,
    onShown,
  })

  const hear = (message: ChannelMessage) => {
    if (message.type === 'changed') {
      const follow = async () => user.follow(await ports.open())
      follow().then(status.refresh, () => undefined)
    }
    if (message.type === 'drained' && message.reached !== undefined) connectivity.report({ ok: message.reached })
    status.hear(message)
    triggers.hear(message)
  }
  channel.onMessage(hear)
  tabs.channel.onMessage(message => {
    if (message.type === 'link' && isLink(message.link)) connectivity.hear(message.link)
    // Whoever has just begun, or was away, knows only what its browser says. What the leader believes, it believes now.
    if (message.type === 'asking' && tabs.election.leadership()) {
      tabs.channel.post('link', { link: { ...connectivity.get(), measuredAt: ports.now() } })
    }
    if (message.type === 'wanted' && tabs.election.leadership()) drain(message.eager).catch(() => undefined)
  })
  followPageLife(
    {
      onLeave() {
        ports.stopDraining()
        tabs.leave()
        channel.suspend()
      },
      onReturn() {
        ports.allowDraining()
        channel.resume()
        tabs.comeBack()
      },
    },
    ports,
  )
  ports.document.addEventListener(
    'visibilitychange',
    () => void (ports.document.visibilityState === 'visible' && connectivity.check('shown')),
    { signal },
  )
  signal.addEventListener('abort', connectivity.stop)

  return {
    leavesToLeader(eager) {
      if (!isFollower()) return false
      tabs.channel.post('wanted', { eager })
      triggers.expectSoon(eager)
      return true
    },
  }
}

/** The other tabs hear it; the worker reads it. */
function tell({ open }: LivePorts, { channel, election }: Tabs, link: Link): void {
  channel.post('link', { link })
  const { term } = election.leadership() ?? {}
  if (term === undefined) return
  const write = async () => writeAsLeader(await open(), term, LINK_KEY, link)
  write().catch(() => undefined)
}
