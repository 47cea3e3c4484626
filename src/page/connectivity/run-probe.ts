import type { Probe } from './probe.ts'

export interface ProbePorts {
  fetch: typeof fetch
  /** Milliseconds by a clock that nobody sets, as `performance.now()`. */
  monotonic: () => number
  /** Resolves after that time, or when the signal is aborted. */
  sleep: (delayMs: number, signal?: AbortSignal) => Promise<void>
}

/** What a probe came to. `stopped`: it was ended from outside, and nothing is known. */
export type ProbeOutcome = { kind: 'reached'; latencyMs?: number } | { kind: 'unreached' } | { kind: 'stopped' }

/**
 * Asks once. Ends within the probe's time, also where the request or the judgement of its answer hangs. Never rejects.
 *
 * By HEAD, which passes by the caches of the worker (it answers GET only, and could say "online" from a cache), and
 * brings no body. A redirect is not followed: it is the answer of a portal, or of somewhere else.
 */
export async function runProbe(ports: ProbePorts, probe: Probe, signal: AbortSignal): Promise<ProbeOutcome> {
  const over = new AbortController()
  const end = () => over.abort()
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  const late = ports.sleep(probe.timeoutMs, over.signal).then(unreached, unreached)
  try {
    const outcome = await Promise.race([ask(ports, probe, over.signal).catch(unreached), late])
    return signal.aborted ? { kind: 'stopped' } : outcome
  } finally {
    signal.removeEventListener('abort', end)
    end()
  }
}

async function ask({ fetch, monotonic }: ProbePorts, probe: Probe, signal: AbortSignal): Promise<ProbeOutcome> {
  const startedAt = monotonic()
  const response = await fetch(probe.url, {
    method: 'HEAD',
    cache: 'no-store',
    redirect: 'manual',
    credentials: 'omit',
    signal,
  })
  const latencyMs = monotonic() - startedAt
  if (!(await probe.accepts(response))) return unreached()
  // A page that slept meanwhile has measured its sleep.
  return latencyMs <= probe.timeoutMs ? { kind: 'reached', latencyMs } : { kind: 'reached' }
}

function unreached(): ProbeOutcome {
  return { kind: 'unreached' }
}
