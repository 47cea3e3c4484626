import type { createElection, Election, ElectionPorts, Leadership } from '../../tabs/election.ts'
import { createTerms, writeAsLeader } from '../terms.ts'
import { type Context, createContext, kill } from './context.ts'
import { createTabClock, type TabClock } from './elections-clock.ts'
import type { ElectionWorld } from './elections-world.ts'

/** A page of the app, with what people and the browser do to it. */
export interface Tab {
  context: Context
  id: string
  election: Election
  clock: TabClock
  /** What `onChange` said last. */
  told: Leadership | undefined
  /** Writes under its term, if it believes that it leads. */
  act(): void
  crash(): void
  close(): void
  /** With an event: it resigns first. */
  freeze(): void
  stop(): void
  /** Into the back-forward cache. */
  cache(): void
  /** From whatever it was; it acts before it hears or does anything else. */
  thaw(): void
}

/** A bug to put into an election: other ports, or an altered copy of its code. */
export interface ElectionPlant {
  ports?: (ports: ElectionPorts) => ElectionPorts
  createElection?: typeof createElection
  /** False: what leaders write is not fenced by their term. */
  isFenced?: boolean
}

const ACTED_KEY = 'acted'
const LOCK_NAME = 'leader'

export function openTab(world: ElectionWorld): Tab {
  const { random, scheduler, audit } = world
  // Who came first is not whose id is smaller.
  const id = `${String.fromCharCode(97 + random.below(26))}${world.tabs.length}`
  const context = createContext(id)
  const channel = world.endFor(context)
  const end = new AbortController()
  const clock = createTabClock(scheduler, context)
  const tab = { context, id, clock, told: undefined, ...doings() } as Tab
  let returns: (() => void) | undefined

  tab.election = world.electionFor({
    id,
    channel,
    terms: createTerms(async () => world.meta.storageFor(context)),
    locks: world.locksFor(context),
    lockName: LOCK_NAME,
    now: scheduler.now,
    random: random.next,
    sleep: clock.sleep,
    onChange: leadership => {
      tab.told = leadership
      world.trace.add(`${id} ${leadership ? `leads under ${leadership.term}` : 'leads no more'}`)
      audit.changed(tab)
    },
    signal: end.signal,
  })
  return tab

  function doings(): Pick<Tab, 'act' | 'crash' | 'close' | 'freeze' | 'stop' | 'cache' | 'thaw'> {
    const leave = (comeBack: () => void) => {
      if (context.frozenUntil > 0) return
      context.frozenUntil = Number.POSITIVE_INFINITY
      returns = comeBack
    }
    return {
      act: () => void act(world, tab),
      crash: () => kill(context),
      close() {
        // Nothing runs in a frozen tab, also when it is closed.
        if (context.frozenUntil > 0) return kill(context)
        end.abort()
        scheduler.schedule({ label: `${id} is gone`, run: () => kill(context) })
      },
      freeze() {
        if (context.frozenUntil === 0) tab.election.suspend()
        leave(() => scheduler.schedule({ context, label: 'resume event', run: tab.election.resume }))
      },
      stop: () => leave(() => undefined),
      cache() {
        if (context.frozenUntil > 0) return
        tab.election.suspend()
        channel.suspend()
        leave(() => {
          channel.resume()
          tab.election.resume()
        })
      },
      thaw() {
        if (context.frozenUntil === 0 || !context.alive) return
        world.trace.add(`${id} thaws`)
        context.frozenUntil = 0
        tab.act()
        returns?.()
      },
    }
  }
}

async function act({ audit, meta, plant }: ElectionWorld, { context, id, election }: Tab): Promise<void> {
  const leadership = election.leadership()
  if (!leadership || !context.alive) return
  const { term, signal } = leadership
  audit.acts(id, signal.aborted)
  if (term === undefined) return
  const fence = plant.isFenced === false ? Number.POSITIVE_INFINITY : term
  const write = writeAsLeader(meta.storageFor(context), fence, ACTED_KEY, term)
  await write.then(audit.acted, () => undefined)
}
