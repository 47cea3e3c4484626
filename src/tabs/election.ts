import type { Candidacy, TabEvents } from '../protocol/messages.ts'
import type { Channel } from './channel.ts'
import { ended } from './ended.ts'
import { holdLock } from './hold-lock.ts'
import { WITH_LOCKS, WITHOUT_LOCKS } from './patience.ts'
import { beginReign, checkTerm, type Reign } from './reign.ts'

/** What this tab has while it leads. */
export interface Leadership {
  /**
   * The fence token: greater than that of every leader before. What a leader does to shared state is done under its term,
   * in a transaction that finds no greater one; see `Terms`. Undefined for a leader to whom the database gave none: it
   * changes nothing that is shared, and gives way as soon as the database gives a term again.
   */
  term: number | undefined
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

/** Whoever asks again within this time hears the same answer: a tab that was frozen finds all that was said meanwhile. */
const ANSWER_AGAIN_MS = 50

/** Between two requests for the lock, when it was lost. */
const AFTER_LOSS_MS = 1_000

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
  const { id, channel, terms, lockName, now, random, sleep, onChange, signal } = ports
  let { locks } = ports
  let standing: AbortController | undefined
  let own: Reign | undefined
  let known: Candidacy | undefined
  /** From the claim until its term has begun. */
  let claimed: { candidacy: Candidacy; withdraw: AbortController; until: number } | undefined
  let highest = 0
  let heardAt = Number.NEGATIVE_INFINITY
  const answeredAt = new Map<string, number>()

  const patience = () => (locks ? WITH_LOCKS : WITHOUT_LOCKS)

  channel.onMessage(message => {
    if (!standing || !('id' in message) || message.id === id) return
    if (message.type === 'asking') answer(message.id)
    if (message.type === 'claiming') hearClaim(message)
    if (message.type === 'leading') hearLeader(message)
    if (message.type === 'resigned') hearEnd(message)
  })

  function answer(asker: string): void {
    if (!own || now() - (answeredAt.get(asker) ?? Number.NEGATIVE_INFINITY) < ANSWER_AGAIN_MS) return
    answeredAt.set(asker, now())
    channel.post('leading', own.candidacy)
  }

  function hearClaim(other: Candidacy): void {
    // One whose timer is late, as in a hidden tab, does not hold up the others.
    const mayObject = claimed && now() <= claimed.until && goesBefore(claimed.candidacy, other)
    if (own) answer(other.id)
    else if (claimed && mayObject) channel.post('claiming', claimed.candidacy)
    else {
      // Whoever claims will lead, or somebody objects: there is no need to ask meanwhile.
      heardAt = now()
      claimed?.withdraw.abort()
    }
  }

  function hearLeader(other: Candidacy): void {
    if (own && goesBefore(own.candidacy, other)) answer(other.id)
    // One below the highest was overtaken and has not heard of it.
    else if (other.term >= highest) follow(other)
  }

  function follow(leader: Candidacy): void {
    highest = leader.term
    heardAt = now()
    known = { id: leader.id, term: leader.term }
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
  async function queueForLock(manager: LockManager, standing: AbortSignal): Promise<void> {
    while (!standing.aborted) {
      const wasHeld = await leadByLock(manager, { signal: standing }, standing)
      if (standing.aborted) return
      if (!wasHeld) {
        // The browser has locks and refuses them, as where storage is forbidden.
        locks = undefined
        suspend()
        return stand()
      }
      await sleep(AFTER_LOSS_MS, standing)
    }
  }

  /** Leads while it has the lock, and says whether it ever had it. */
  function leadByLock(manager: LockManager, options: LockOptions, standing: AbortSignal): Promise<boolean> {
    return holdLock(manager, lockName, options, stolen => {
      claimed?.withdraw.abort()
      return lead(AbortSignal.any([standing, stolen]))
    })
  }

  /** Resolves when this tab leads no more. */
  async function lead(until: AbortSignal): Promise<void> {
    const given = await terms.next(highest).catch(() => undefined)
    const term = given ?? highest + 1
    claimed = undefined
    // It was long on its way, and another one led meanwhile.
    if (until.aborted || term < highest) return
    // From a lock that this tab took from itself.
    own?.end.abort()
    const reign = beginReign(ports, { given, term, until, onEnd: () => forget(reign) })
    own = reign
    known = reign.candidacy
    highest = Math.max(highest, term)
    answeredAt.clear()
    channel.post('leading', reign.candidacy)
    onChange(reign.leadership)
    void checkTerm(reign, ports, () => highest)
    await ended(reign.end.signal)
  }

  function forget({ candidacy }: Reign): void {
    own = undefined
    if (known?.id === candidacy.id) known = undefined
    // Whoever leads next has as long to be heard as any other.
    heardAt = now()
  }

  /** A follower asks when it has heard nothing of a leader. */
  async function watch(standing: AbortSignal): Promise<void> {
    while (!standing.aborted) {
      if (own) await ended(own.end.signal)
      else await askWhenQuiet(standing)
    }
  }

  async function askWhenQuiet(standing: AbortSignal): Promise<void> {
    const before = heardAt
    // Not all followers at once: the answer to one is heard by all.
    await sleep(before + patience().quiet * (1 + random() / 2) - now(), standing)
    if (!standing.aborted && !own && heardAt === before) await ask(standing)
  }

  async function ask(standing: AbortSignal): Promise<void> {
    const askedAt = now()
    channel.post('asking', { id })
    await sleep(patience().answer, standing)
    if (!standing.aborted && !own && heardAt < askedAt) await claim(standing)
  }

  /** Leads, unless somebody objects in time. */
  async function claim(standing: AbortSignal): Promise<void> {
    if (own || claimed) return
    const withdraw = new AbortController()
    const until = AbortSignal.any([withdraw.signal, standing])
    const { claim: delayMs } = patience()
    claimed = { candidacy: { id, term: highest + 1 }, withdraw, until: now() + delayMs }
    channel.post('claiming', claimed.candidacy)
    await sleep(delayMs, until)
    if (until.aborted || own) claimed = undefined
    else void enter(standing)
  }

  async function enter(standing: AbortSignal): Promise<void> {
    // The old leader's request rejects, so that it learns of it when it wakes; its term is over in any case.
    const wasHeld = locks && (await leadByLock(locks, { steal: true }, standing))
    if (!wasHeld) await lead(standing)
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
