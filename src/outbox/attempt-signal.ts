export interface AttemptSignalPorts {
  now: () => number
  timeout: (delayMs: number) => AbortSignal
  /** Milliseconds since the epoch. */
  deadline: number
  /** End every attempt. */
  ends: AbortSignal[]
}

/** An attempt longer than this is given up, and made again under the same key; the event that carries it may end sooner. */
const ATTEMPT_TIMEOUT_MS = 120_000

/** Attempts that begin within this time share a signal: a timer for each would be kept for minutes after its attempt. */
const SHARED_MS = 5_000

/** Makes the function that gives the signal for an attempt that begins now: it is given up with the run, and with the event. */
export function createAttemptSignal({ now, timeout, deadline, ends }: AttemptSignalPorts): () => AbortSignal {
  let madeAt = Number.NEGATIVE_INFINITY
  let signal: AbortSignal | undefined
  return () => {
    const at = now()
    if (signal && at >= madeAt && at - madeAt < SHARED_MS) return signal
    madeAt = at
    signal = AbortSignal.any([timeout(Math.max(0, Math.min(ATTEMPT_TIMEOUT_MS, deadline - at))), ...ends])
    return signal
  }
}
