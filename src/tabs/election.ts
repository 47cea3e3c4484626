import type { Candidacy, TabEvents } from '../protocol/messages.ts'
import type { Channel } from './channel.ts'

/** What this tab has while it leads. */
export interface Leadership {
  /**
   * The fence token: greater than that of every leader before. What a leader does to shared state is done under its term,
   * in a transaction that finds no greater one; see `Terms`.
   */
  term: number
  /** Aborted when this tab leads no more. */
  signal: AbortSignal
}

/** One tab's part in the election. */
export interface Election {
  /** The tab that leads, as far as this one has heard; its own candidacy where it leads itself. */
  leader(): Candidacy | undefined
  /** Undefined unless this tab leads. */
  leadership(): Leadership | undefined
  /** Resigns, and stands for nothing until `resume()`: for a page that is frozen, or goes into the back-forward cache. */
  suspend(): void
  resume(): void
}

/** The terms of leaders, kept where every tab sees them, in transactions: two leaders never get the same. */
export interface Terms {
  /** Begins a new term, greater than every one before and than `above`. */
  next(above: number): Promise<number>
  /** Whether no later term has begun. */
  isCurrent(term: number): Promise<boolean>
}

export interface ElectionPorts {
  /** Who this tab is; of two that claim at once the smaller one leads. */
  id: string
  channel: Pick<Channel<TabEvents>, 'post' | 'onMessage'>
  terms: Terms
  /** Web Locks, where there are some. */
  locks: LockManager | undefined
  lockName: string
  /** Milliseconds that only grow. */
  now: () => number
  random: () => number
  /** Resolves after that time, or when the signal is aborted. */
  sleep: (delayMs: number, signal?: AbortSignal) => Promise<void>
  /** This tab leads from now on, or, with undefined, no more. */
  onChange: (leadership: Leadership | undefined) => void
  /** The end of this tab. */
  signal: AbortSignal
}

/** How long things take, in milliseconds. */
interface Patience {
  /** So long nothing is heard of a leader before a follower asks. */
  quiet: number
  /** So long the answer may take. */
  answer: number
  /** So long a claim waits for objections. */
  claim: number
}

/** The channel is all there is: a crash has to be found out by it. */
const WITHOUT_LOCKS: Patience = { quiet: 400, answer: 250, claim: 100 }

/** The lock passes on by itself. Only a leader that hangs and holds it has to be found out, and has time to answer. */
const WITH_LOCKS: Patience = { quiet: 15_000, answer: 5_000, claim: 500 }

/** So often a leader looks whether another term has begun, in case no message has told it. */
const OVERTAKEN_EVERY_MS = 10_000

/** Between two requests for the lock, where the browser refuses one. */
const AFTER_REFUSAL_MS = 1_000

/**
 * Elects one leader among the tabs of an outbox.
 *
 * With Web Locks, whoever holds the lock leads. Each tab has one request for it that waits for the tab's whole life: when
 * the leader ends, in whatever way, the browser gives the lock to the next at once, although timers of hidden tabs run once
 * a minute. Without Web Locks the tabs agree by messages: a claim stands when nobody objects for a moment; of two claims
 * the higher term wins, then the smaller id.
 *
 * Leaders answer when they are asked, and followers ask when they have heard nothing for a while. So the heartbeat costs
 * nothing where a tab is alone, and does not depend on the timers of a leader in the background. A leader that holds the
 * lock and does not answer (a process that hangs; an engine that never frees a lock) loses it to a claim.
 *
 * Whoever begins to lead begins a new term (`Terms`): however many messages are lost, only the last one's acts count.
 */
export function createElection(ports: ElectionPorts): Election {
  const { id, channel, terms, locks, lockName, now, random, sleep, onChange, signal } = ports
  const patience = locks ? WITH_LOCKS : WITHOUT_LOCKS
  let standing: AbortController | undefined
  let own: { candidacy: Candidacy; leadership: Leadership; end: AbortController } | undefined
  let known: Candidacy | undefined
  let claimed: { candidacy: Candidacy; withdraw: AbortController } | undefined
  let highest = 0
  let heardAt = Number.NEGATIVE_INFINITY

  const announce = () => own && channel.post('leading', own.candidacy)

  channel.onMessage(message => {
    if (!standing || !('id' in message) || message.id === id) return
    if (message.type === 'asking') announce()
    if (message.type === 'claiming') hearClaim(message)
    if (message.type === 'leading') hearLeader(message)
    if (message.type === 'resigned') hearEnd(message)
  })

  function hearClaim(other: Candidacy): void {
    if (own) return void announce()
    if (claimed && goesBefore(claimed.candidacy, other)) return channel.post('claiming', claimed.candidacy)
    // Whoever claims will lead, or somebody objects: there is no need to ask meanwhile.
    heardAt = now()
    claimed?.withdraw.abort()
  }

  function hearLeader(other: Candidacy): void {
    if (own && goesBefore(own.candidacy, other)) return void announce()
    // One that was overtaken and has not heard of it.
    if (other.term < highest) return
    highest = other.term
    heardAt = now()
    known = other
    own?.end.abort()
    claimed?.withdraw.abort()
  }

  function hearEnd({ id: other }: Candidacy): void {
    if (known?.id !== other) return
    known = undefined
    if (!locks && standing) void claim(standing.signal)
  }

  function stand(): void {
    if (standing || signal.aborted) return
    standing = new AbortController()
    heardAt = now()
    channel.post('asking', { id })
    if (locks) void queueForLock(locks, standing.signal)
    else void claim(standing.signal)
    void watch(standing.signal)
  }

  function suspend(): void {
    standing?.abort()
    standing = undefined
    known = undefined
  }

  /** Never rejects. The request waits for as long as this tab stands; when the lock is lost it queues again. */
  async function queueForLock(locks: LockManager, standing: AbortSignal): Promise<void> {
    while (!standing.aborted) {
      await holdLock(locks, { signal: standing }, standing)
      await sleep(AFTER_REFUSAL_MS, standing)
    }
  }

  /** Leads while it has the lock. A lock that is stolen rejects its holder's request, although its work goes on. */
  async function holdLock(locks: LockManager, options: LockOptions, standing: AbortSignal): Promise<void> {
    const stolen = new AbortController()
    const work = () => lead(AbortSignal.any([standing, stolen.signal]))
    await locks.request(lockName, options, work).catch(() => stolen.abort())
  }

  /** Resolves when this tab leads no more. */
  async function lead(until: AbortSignal): Promise<void> {
    // Where the database is refused there is nothing that two leaders could harm.
    const term = await terms.next(highest).catch(() => highest + 1)
    if (until.aborted || own) return
    const end = new AbortController()
    const leadership = { term, signal: end.signal }
    own = { candidacy: { id, term }, leadership, end }
    known = own.candidacy
    highest = Math.max(highest, term)
    until.addEventListener('abort', () => end.abort(), { once: true })
    const ended = new Promise<void>(resolve => end.signal.addEventListener('abort', () => resolve(), { once: true }))
    // At once, since a page that is frozen or put away does not get another turn.
    end.signal.addEventListener('abort', () => resign({ id, term }), { once: true })
    announce()
    onChange(leadership)
    await ended
  }

  function resign(candidacy: Candidacy): void {
    own = undefined
    if (known?.id === id) known = undefined
    channel.post('resigned', candidacy)
    onChange(undefined)
  }

  /** A follower asks when it has heard nothing of a leader; a leader looks whether it was overtaken. */
  async function watch(standing: AbortSignal): Promise<void> {
    while (!standing.aborted) {
      // Not all followers at once: the answer to one is heard by all.
      if (own) await sleep(OVERTAKEN_EVERY_MS, own.end.signal)
      else await sleep(patience.quiet * (1 + random() / 2), standing)
      if (standing.aborted) return
      if (own) await stepDownIfOvertaken(own)
      else if (now() - heardAt >= patience.quiet) await ask(standing)
    }
  }

  async function stepDownIfOvertaken({ candidacy, end }: NonNullable<typeof own>): Promise<void> {
    if (!(await terms.isCurrent(candidacy.term).catch(() => true))) end.abort()
  }

  async function ask(standing: AbortSignal): Promise<void> {
    const askedAt = now()
    channel.post('asking', { id })
    await sleep(patience.answer, standing)
    if (!standing.aborted && !own && heardAt < askedAt) await claim(standing)
  }

  /** Leads, unless somebody objects in time. */
  async function claim(standing: AbortSignal): Promise<void> {
    if (own || claimed) return
    const withdraw = new AbortController()
    claimed = { candidacy: { id, term: highest + 1 }, withdraw }
    channel.post('claiming', claimed.candidacy)
    await sleep(patience.claim, AbortSignal.any([withdraw.signal, standing]))
    claimed = undefined
    if (withdraw.signal.aborted || standing.aborted) return
    // The old leader's request rejects, so that it learns of it when it wakes; its term is over in any case.
    if (locks) void holdLock(locks, { steal: true }, standing)
    else void lead(standing)
  }

  signal.addEventListener('abort', suspend)
  stand()
  return {
    leader: () => known,
    leadership: () => own?.leadership,
    suspend,
    resume: stand,
  }
}

/** The same in every tab, so that both sides of a tie decide alike. */
function goesBefore(one: Candidacy, other: Candidacy): boolean {
  return one.term === other.term ? one.id < other.id : one.term > other.term
}
