/** How long what the browser says of its room is good for: to find out may cost it some time. Milliseconds. */
const ROOM_GOOD_FOR_MS = 10_000

/** The share of what the browser lets this site store that is used. Engines without it tell nothing. Never rejects. */
export function createUsedShare(now: () => number): () => Promise<number> {
  let askedAt = Number.NEGATIVE_INFINITY
  let share = Promise.resolve(0)
  return () => {
    const age = now() - askedAt
    if (age >= 0 && age < ROOM_GOOD_FOR_MS) return share
    askedAt = now()
    share = askShare().catch(() => 0)
    return share
  }
}

async function askShare(): Promise<number> {
  const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {}
  return quota > 0 ? usage / quota : 0
}
