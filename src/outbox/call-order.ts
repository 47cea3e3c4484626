/**
 * Runs `act` for each prepared value in the order of the calls within one lane, although a later value may be ready
 * before an earlier one (a file has to be read first, a JSON body has not). A value that fails to prepare, or whose
 * action fails, holds nobody up. Without a lane there is no order to keep.
 *
 * When a value is ready at once and nobody is before it, `act` runs in the same tick.
 */
export function createCallOrder<T, R>(
  act: (value: T) => Promise<R>,
): (lane: string | undefined, prepared: T | Promise<T>) => Promise<R> {
  const tails = new Map<string, Promise<unknown>>()

  return (lane, prepared) => {
    const before = lane === undefined ? undefined : tails.get(lane)
    if (!before && !(prepared instanceof Promise)) return act(prepared)

    // What follows must wait until this one has been handed over, not until it is finished.
    let acted: Promise<R> | undefined
    // One that fails to prepare still waits for its turn, or those behind it would overtake those before it.
    const handedOver = Promise.allSettled([prepared, before]).then(([ready]) => {
      if (ready.status === 'rejected') throw ready.reason
      acted = act(ready.value)
    })
    if (lane !== undefined) keepTail(tails, lane, handedOver)
    return handedOver.then(() => acted as Promise<R>)
  }
}

function keepTail(tails: Map<string, Promise<unknown>>, lane: string, handedOver: Promise<unknown>): void {
  const tail = handedOver
    .catch(() => undefined)
    .then(() => {
      if (tails.get(lane) === tail) tails.delete(lane)
    })
  tails.set(lane, tail)
}
