import type { RegisterOptions } from 'virtual:holdfast'
import { namesOf } from '../protocol/names.ts'
import { createChannel } from '../tabs/channel.ts'
import type { UpdatePorts } from './register-holdfast.ts'

export interface FreeMomentPorts extends Pick<UpdatePorts, 'locks' | 'reload'> {
  /** The outbox. */
  name: string
  mayReload: RegisterOptions['mayReload']
  signal: AbortSignal
}

/** The moment at which a reload disturbs nobody. */
export interface FreeMoment {
  /** Resolves with true when no drain runs and the app allows a reload; with false when the signal ends the wait. */
  whenFree(): Promise<boolean>
  /** Reloads the page at such a moment. */
  reload(): Promise<void>
}

/** So often an app that did not allow the reload is asked again. */
const ASK_AGAIN_MS = 1_000

/**
 * Longer than an attempt to send may last. Who holds the drain lock for so long without a word on the channel hangs, or
 * is no more: WebKit may keep the lock of a worker that it has ended (bug 316904).
 */
const SILENCE_MS = 150_000

/** A reload that a person refuses, in the dialog of `beforeunload`, must not keep the outbox from being sent. */
const RELOAD_MS = 5_000

/**
 * A drain, wherever it runs, holds the drain lock: a shared request for the same lock is granted when it ends, and while
 * it is held no other begins. Without Web Locks only the app's own word counts.
 */
export function createFreeMoment({ name, locks, mayReload, signal, reload }: FreeMomentPorts): FreeMoment {
  const { lock, channel } = namesOf(name)

  /** Whether the drains have ended; false where one of them hangs. */
  async function drainEnds(): Promise<boolean> {
    if (!locks) return false
    const hangs = new AbortController()
    const heard = createChannel(channel)
    let timer: ReturnType<typeof setTimeout> | undefined
    const waitOn = () => {
      clearTimeout(timer)
      timer = setTimeout(() => hangs.abort(), SILENCE_MS)
    }
    waitOn()
    heard.onMessage(waitOn)
    try {
      const until = AbortSignal.any([hangs.signal, signal])
      return await locks.request(lock, { mode: 'shared', signal: until }, () => true)
    } catch {
      return false
    } finally {
      clearTimeout(timer)
      heard.close()
    }
  }

  async function isAllowed(): Promise<boolean> {
    try {
      return mayReload ? await mayReload() : true
    } catch (error) {
      globalThis.reportError?.(error)
      return false
    }
  }

  /** Resolves with whether the drain lock can be had; undefined when the signal ends the wait. */
  async function free(): Promise<boolean | undefined> {
    while (!signal.aborted) {
      const hasEnded = await drainEnds()
      if (signal.aborted) break
      if (await isAllowed()) return hasEnded
      await sleep(ASK_AGAIN_MS, signal)
    }
    return undefined
  }

  /** While it is held no drain begins, up to the end of this document. */
  async function reloadUnderLock(manager: LockManager): Promise<boolean> {
    return manager.request(lock, { mode: 'shared', ifAvailable: true }, async held => {
      if (!held) return false
      reload()
      await sleep(RELOAD_MS, signal)
      return true
    })
  }

  return {
    whenFree: async () => (await free()) !== undefined,
    async reload() {
      for (let hasLock = await free(); hasLock !== undefined; hasLock = await free()) {
        if (locks && hasLock) {
          if (await reloadUnderLock(locks)) return
        } else return reload()
      }
    },
  }
}

function sleep(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, delayMs)
    signal.addEventListener('abort', end)
  })
}
