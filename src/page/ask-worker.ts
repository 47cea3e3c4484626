import { HoldfastError } from '../protocol/errors.ts'
import { type DrainReply, type DrainResult, drainRequest } from '../protocol/messages.ts'

export interface AskOptions {
  name: string
  signal: AbortSignal
}

const ANSWER_TIMEOUT_MS = 30_000

/**
 * Asks the worker to drain, and waits until nothing more is due. Rejects with `worker-unavailable` where it does not answer
 * within 30 s, as when the browser stops it.
 */
export function askWorker(worker: ServiceWorker, { name, signal }: AskOptions): Promise<DrainResult> {
  const { port1, port2 } = new MessageChannel()
  return new Promise<DrainResult>((resolve, reject) => {
    const late = AbortSignal.any([AbortSignal.timeout(ANSWER_TIMEOUT_MS), signal])
    late.addEventListener('abort', () => reject(unanswered()), { once: true })
    port1.onmessage = ({ data }: MessageEvent<DrainReply>) => {
      if (data.ok) resolve(data.result)
      else reject(unanswered(data.message))
    }
    worker.postMessage(drainRequest(name, true), [port2])
  }).finally(() => port1.close())
}

function unanswered(reason = 'the service worker did not answer'): HoldfastError {
  return new HoldfastError({
    code: 'worker-unavailable',
    action: 'sync',
    reason,
    hint: 'Nothing is lost: the writes stay in the outbox, and the next trigger goes on.',
  })
}
