import type { Context } from './context.ts'
import type { TabMessage } from './elections-channel.ts'
import type { Tab } from './elections-tab.ts'
import type { ElectionWorld } from './elections-world.ts'
import type { Violation } from './ledger.ts'

/** Watches what must hold at every moment, and notes since when all is as it should be at the end. */
export interface ElectionAudit {
  violations: Violation[]
  report(check: string, text: string): void
  /** Looks at everything as it is now. */
  look(): void
  committed(context: Context, written: ReadonlyMap<string, unknown>): void
  heard(context: Context, message: TabMessage): void
  /** A tab was told that it leads, or leads no more. */
  changed(tab: Tab): void
  /** A tab is about to act as leader. */
  acts(id: string, isOver: boolean): void
  acted(wasAccepted: boolean): void
  /** When the tabs last were without one leader that all of them knew. */
  unsettledAt(): number
  /** How many terms have begun. */
  terms(): number
  /** How many times anything was seen. */
  reached: Map<string, number>
}

/** More than this in one run: somebody does without end what takes no time. */
const MOST_STEPS = 100_000

const TERM_KEY = 'term'

export function createElectionAudit(world: ElectionWorld): ElectionAudit {
  const { trace, scheduler } = world
  const violations: Violation[] = []
  const reached = new Map<string, number>()
  const heardTerms = new Map<string, number>()
  let unsettledAt = 0
  let greatest = 0
  let terms = 0

  const count = (what: string) => reached.set(what, (reached.get(what) ?? 0) + 1)
  const report = (check: string, text: string) => {
    trace.add(`VIOLATION ${check}: ${text}`)
    violations.push({ check, text: `at ${scheduler.now()}: ${text}` })
  }

  return {
    violations,
    reached,
    report,
    unsettledAt: () => unsettledAt,
    terms: () => terms,
    look() {
      if (scheduler.ordinal() > MOST_STEPS) report('comes to rest', `${MOST_STEPS} steps`)
      const alive = world.tabs.filter(({ context }) => context.alive)
      for (const tab of alive) checkTold(tab, report)
      // Whose acts the database would take.
      const effective = alive.filter(({ election }) => (election.leadership()?.term ?? -1) >= greatest)
      if (effective.length > 1) report('one effective leader', `${effective.map(({ id }) => id)} under ${greatest}`)
      if (!isSettled(alive, greatest)) unsettledAt = scheduler.now()
    },
    committed({ name }, written) {
      const term = written.get(TERM_KEY)
      if (typeof term === 'number') {
        if (term <= greatest) report('terms grow', `${name} begins ${term} after ${greatest}`)
        greatest = term
        terms += 1
      }
      const acted = written.get('acted')
      if (acted !== undefined && acted !== greatest) report('fence', `${name} acted under ${acted} in ${greatest}`)
    },
    heard({ name }, message) {
      if (message.type !== 'leading') return
      const { id, term } = message
      const tab = world.tabs.find(({ context }) => context.name === name)
      heardTerms.set(name, Math.max(term, heardTerms.get(name) ?? 0))
      const own = tab?.election.leadership()?.term ?? term
      if (own < term) report('steps down', `${name} leads under ${own} though ${id} does under ${term}`)
    },
    changed({ id, told, election }) {
      if (!told) return count('resignations')
      count(told.term === undefined ? 'led without a term' : 'led')
      const term = election.leader()?.term ?? 0
      const heard = heardTerms.get(id) ?? 0
      if (term < heard) report('leads under its own time', `${id} leads under ${term} after it heard of ${heard}`)
    },
    acts(id, isOver) {
      count('acts')
      if (isOver) report('who leads no more does not act', id)
    },
    acted(wasAccepted) {
      count(wasAccepted ? 'acts accepted' : 'acts refused')
    },
  }
}

function checkTold({ id, told, election }: Tab, report: ElectionAudit['report']): void {
  if (told !== election.leadership()) report('is told', `${id} was not told whether it leads`)
  if (told?.signal.aborted) report('is told', `${id} leads with a signal that is aborted`)
}

/** One leads, under the last term, and all know it. */
function isSettled(alive: readonly Tab[], greatest: number): boolean {
  const leaders = alive.filter(({ election }) => election.leadership())
  const [leader] = leaders
  if (!leader || leaders.length > 1 || leader.election.leadership()?.term !== greatest) return false
  return alive.every(({ election }) => election.leader()?.id === leader.id)
}
