import { v7 as uuidv7 } from 'uuid'
import { createTerms } from '../outbox/terms.ts'
import type { TabEvents } from '../protocol/messages.ts'
import { namesOf } from '../protocol/names.ts'
import type { Storage } from '../storage/open-storage.ts'
import { type Channel, createChannel } from '../tabs/channel.ts'
import { createElection, type Election, type ElectionPorts } from '../tabs/election.ts'

export interface TabsPorts extends Pick<ElectionPorts, 'onChange' | 'locks' | 'random' | 'sleep' | 'signal'> {
  name: string
  open: () => Promise<Storage>
  /** Milliseconds that only grow. */
  monotonic: () => number
}

/** This page among the tabs of its outbox. */
export interface Tabs {
  election: Election
  channel: Channel<TabEvents>
  /** For a page that is put away: another tab leads now. */
  leave(): void
  comeBack(): void
}

/** Takes part in the election of a leader. */
export function createTabs({ name, open, monotonic, ...ports }: TabsPorts): Tabs {
  const { tabs } = namesOf(name)
  const channel = createChannel<TabEvents>(tabs)
  const election = createElection({
    ...ports,
    id: uuidv7(),
    channel,
    lockName: tabs,
    terms: createTerms(open),
    now: monotonic,
  })
  ports.signal.addEventListener('abort', channel.close)
  return {
    election,
    channel,
    leave() {
      // First, so that the others hear it.
      election.suspend()
      channel.suspend()
    },
    comeBack() {
      channel.resume()
      election.resume()
    },
  }
}
