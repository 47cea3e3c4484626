/**
 * Resolves with how long it took until the condition held, in milliseconds. A condition that cannot be asked for (a page
 * that is about to be loaded) does not hold yet.
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { withinMs = 15_000 }: { withinMs?: number } = {},
): Promise<number> {
  const startedAt = performance.now()
  let reason: unknown
  for (;;) {
    const holds = await Promise.resolve()
      .then(condition)
      .catch(error => {
        reason = error
        return false
      })
    const tookMs = Math.round(performance.now() - startedAt)
    if (holds) return tookMs
    if (tookMs > withinMs) throw new Error(`Not within ${withinMs} ms: ${what}`, reason ? { cause: reason } : undefined)
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}

const POLL_MS = 20
