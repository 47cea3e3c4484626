/**
 * Runs `work` while this context holds the lock of this name, and tells it whether it really does: without Web Locks
 * `exclusive` is false, and leases alone keep two senders apart.
 *
 * The request waits its turn in the browser's queue. There is no probe that is let go and asked for again, so no gap in
 * which two contexts both believe that they hold it.
 */
export async function withLock<T>(
  name: string,
  work: (held: { exclusive: boolean }) => Promise<T>,
  { locks, signal }: { locks: LockManager | undefined; signal?: AbortSignal },
): Promise<T> {
  if (!locks) return work({ exclusive: false })
  return locks.request(name, { mode: 'exclusive', signal }, () => work({ exclusive: true }))
}
