/** Runs `work` once at a time. Calls that come while it runs share one run more, so that a burst costs two. */
export function createOneAtATime(work: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> | undefined
  let next: Promise<void> | undefined

  function start(): Promise<void> {
    current = work().finally(() => {
      current = undefined
    })
    return current
  }

  return () => {
    if (!current) return start()
    next ??= current
      .catch(() => undefined)
      .then(() => {
        next = undefined
        return start()
      })
    return next
  }
}
