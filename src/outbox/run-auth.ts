import type { AuthProvider, AuthRequest } from './handlers.ts'

/** The auth provider as one run of the drain uses it. */
export interface RunAuth {
  /** The headers for a request; none where the provider has no business with its origin. Rejects as the provider does. */
  headers(request: AuthRequest, signal: AbortSignal): Promise<Headers>
  /** Grows with each refresh that succeeded. */
  generation(): number
  /**
   * Whether there are newer headers than those of that generation. Asks the provider where there are none yet: once for
   * all who ask for the same person, and not again after it failed. Rejects where the signal is aborted meanwhile.
   */
  hasNewer(asked: { generation: number; principal?: string }, signal: AbortSignal): Promise<boolean>
}

export function createRunAuth(provider: AuthProvider | undefined, ownOrigin: string): RunAuth {
  const origins = [ownOrigin, ...(provider?.origins ?? [])]
  let generation = 0
  // One that failed stays: the queue is held then, and the next run asks anew.
  const refreshes = new Map<string | undefined, Promise<boolean>>()

  async function refresh(principal: string | undefined): Promise<boolean> {
    try {
      if ((await provider?.refresh?.({ principal })) !== true) return false
    } catch {
      return false
    }
    generation += 1
    refreshes.delete(principal)
    return true
  }

  return {
    async headers(request, signal) {
      const isTrusted = origins.includes(new URL(request.url).origin)
      return new Headers(isTrusted && provider ? await orAborted(provider.headers(request), signal) : undefined)
    },
    generation: () => generation,
    async hasNewer(asked, signal) {
      if (generation > asked.generation) return true
      const { principal } = asked
      const underWay = refreshes.get(principal) ?? refresh(principal)
      refreshes.set(principal, underWay)
      return orAborted(underWay, signal)
    },
  }
}

/** The app's own function may never answer, and whoever waits for it holds the drain lock. */
async function orAborted<T>(work: T | Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
  })
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop)
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
