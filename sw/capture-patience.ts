/**
 * The result of `work`, or the signal's reason where that comes first; `work` itself goes on. `isFirm` says that `work` has
 * come so far that its own end is waited for.
 */
export function orUnless<T>(work: Promise<T>, signal: AbortSignal, isFirm: () => boolean = () => false): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => isFirm() || reject(signal.reason)
    if (signal.aborted) giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp))
  })
}
