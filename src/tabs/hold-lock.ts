/**
 * Runs `work` while this context holds the lock, and says whether it ever did: the browser may refuse it, and the signal
 * may end the wait. Never rejects.
 *
 * A lock that is stolen rejects the request of its holder, whose work goes on: that is told by a signal (Web Locks §4.4).
 */
export async function holdLock(
  manager: LockManager,
  name: string,
  options: LockOptions,
  work: (stolen: AbortSignal) => Promise<void>,
): Promise<boolean> {
  const stolen = new AbortController()
  let wasHeld = false
  const hold = () => {
    wasHeld = true
    return work(stolen.signal)
  }
  await manager.request(name, options, hold).catch(() => stolen.abort())
  return wasHeld
}
