import { HoldfastError } from '../protocol/errors.ts'
import { type DrainReply, type DrainResult, drainRequest } from '../protocol/messages.ts'

export interface AskOptions {
  name: string
  eager: boolean
  signal: AbortSignal
}

/** A worker that was stopped is started again for a message; this long it may take to say that it has begun. */
const ACK_TIMEOUT_MS = 5_000
const ANSWER_TIMEOUT_MS = 30_000

/**
 * Asks the worker to drain, and waits until nothing more is due. Gives `silent` where it does not even say within 5 s that
 * it has begun: it hangs, or it is of another version. Then somebody else must look at the queue. Rejects with
 * `worker-unavailable` where it has begun and does not end within 30 s, as when the browser stops it.
 */
export function askWorker(worker: ServiceWorker, { name, eager, signal }: AskOptions): Promise<DrainResult | 'silent'> {
  const { port1, port2 } = new MessageChannel()
  const done = new AbortController()
  return new Promise<DrainResult | 'silent'>((resolve, reject) => {
    let hasBegun = false
    after(ACK_TIMEOUT_MS, done.signal, () => hasBegun || resolve('silent'))
    after(ANSWER_TIMEOUT_MS, done.signal, () => reject(unanswered()))
    signal.addEventListener('abort', () => reject(unanswered()), { signal: done.signal })
    port1.onmessage = ({ data }: MessageEvent<DrainReply>) => {
      hasBegun = true
      if (!data.ok) reject(unanswered(data.message))
      else if (data.result) resolve(data.result)
    }
    worker.postMessage(drainRequest(name, eager), [port2])
  }).finally(() => {
    done.abort()
    port1.close()
  })
}

function after(delayMs: number, cancelled: AbortSignal, fn: () => unknown): void {
  const timer = setTimeout(fn, delayMs)
  cancelled.addEventListener('abort', () => clearTimeout(timer), { once: true })
}

function unanswered(reason = 'the service worker did not answer'): HoldfastError {
  return new HoldfastError({
    code: 'worker-unavailable',
    action: 'sync',
    reason,
    hint: 'Nothing is lost: the writes stay in the outbox, and the next trigger goes on.',
  })
}
