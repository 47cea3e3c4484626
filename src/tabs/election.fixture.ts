import { vi } from 'vitest'
import { type MessageOf, PROTOCOL_VERSION, type TabEvents } from '../protocol/messages.ts'
import { createElection, type Election, type ElectionPorts, type Leadership, type Terms } from './election.ts'

type Message = MessageOf<TabEvents>

/** One browser: its tabs hear each other, share the terms, and share the locks where there are some. */
export interface Browser {
  terms: Terms
  locks: LockManager
  /** What was said so far, without the version. */
  said: string[]
  open(id: string, ports?: Partial<ElectionPorts>): TestTab
  /** Says something as another tab would. */
  say<K extends keyof TabEvents>(type: K, event: TabEvents[K]): Promise<void>
}

export interface TestTab extends Election {
  id: string
  /** What it was told, in order: the terms that it began, and `over`. */
  told: (number | undefined | 'over')[]
  /** Hears and says nothing from now on, as a process that hangs; what it had goes on. */
  hang(): void
  /** Hears everything that was said meanwhile. */
  wake(): void
  /** As the browser does when the tab ends without a word. */
  crash(): void
  close(): void
}

/** Virtual time has to be on: `vi.useFakeTimers()`. */
export function createBrowser(): Browser {
  const ends = new Map<string, (message: Message) => void>()
  const said: string[] = []
  const locks = createLocks()
  const terms = createMemoryTerms()
  const post = (from: string, message: Message) => {
    said.push(`${message.type} ${from}`)
    for (const [id, hear] of ends) if (id !== from) setTimeout(() => hear(message), 2)
  }

  return {
    terms,
    locks: locks.managerFor('anybody'),
    said,
    async say(type, event) {
      post('somebody', { holdfast: PROTOCOL_VERSION, type, ...event } as Message)
      await vi.advanceTimersByTimeAsync(3)
    },
    open(id, ports) {
      const listeners = new Set<(message: Message) => void>()
      const end = new AbortController()
      const told: TestTab['told'] = []
      const missed: Message[] = []
      const hear = (message: Message) => listeners.forEach(listener => void listener(message))
      let isAwake = true
      ends.set(id, message => (isAwake ? hear(message) : missed.push(message)))
      const election = createElection({
        id,
        channel: {
          post: (type, event) => isAwake && post(id, { holdfast: PROTOCOL_VERSION, type, ...event } as Message),
          onMessage: listener => {
            listeners.add(listener)
            return () => listeners.delete(listener)
          },
        },
        terms,
        locks: locks.managerFor(id),
        lockName: 'leader',
        now: () => Date.now(),
        random: () => 0.5,
        sleep,
        onChange: (leadership: Leadership | undefined) => told.push(leadership ? leadership.term : 'over'),
        signal: end.signal,
        ...ports,
      })
      return {
        ...election,
        id,
        told,
        hang() {
          isAwake = false
        },
        wake() {
          isAwake = true
          for (const message of missed.splice(0)) hear(message)
        },
        crash() {
          isAwake = false
          ends.delete(id)
          locks.freeAll(id)
        },
        close: () => end.abort(),
      }
    },
  }
}

/** Lets so much time pass, and all that happens in it. */
export async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms)
}

function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) return resolve()
    const timer = setTimeout(resolve, delayMs)
    const wake = () => {
      clearTimeout(timer)
      resolve()
    }
    signal?.addEventListener('abort', wake, { once: true })
  })
}

function createMemoryTerms(): Terms {
  let last = 0
  return {
    async next(above) {
      last = Math.max(last, above) + 1
      return last
    },
    isCurrent: async term => last <= term,
  }
}

interface Request {
  owner: string
  begin: () => void
  breakOff: () => void
}

/** One exclusive lock as browsers have it: first come, first served, may be stolen, and is freed with its owner. */
function createLocks() {
  const queue: Request[] = []
  let holder: Request | undefined

  const grant = () => {
    if (holder) return
    holder = queue.shift()
    holder?.begin()
  }
  const free = (request: Request) => {
    if (holder === request) holder = undefined
    grant()
  }
  const request = (owner: string, { signal, steal }: LockOptions, work: () => Promise<unknown>) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const one: Request = {
        owner,
        breakOff: () => reject(new DOMException('Stolen', 'AbortError')),
        begin: () =>
          void Promise.resolve()
            .then(work)
            .then(resolve, reject)
            .finally(() => free(one)),
      }
      signal?.addEventListener('abort', () => {
        const place = queue.indexOf(one)
        if (place < 0) return
        queue.splice(place, 1)
        reject(signal.reason)
      })
      if (steal) {
        holder?.breakOff()
        holder = undefined
        queue.unshift(one)
      } else queue.push(one)
      grant()
    })

  return {
    managerFor: (owner: string) =>
      ({
        request: (_name: string, options: LockOptions, work: () => Promise<unknown>) => request(owner, options, work),
      }) as unknown as LockManager,
    freeAll(owner: string) {
      for (const one of queue.filter(one => one.owner === owner)) queue.splice(queue.indexOf(one), 1)
      if (holder?.owner === owner) free(holder)
    },
  }
}
