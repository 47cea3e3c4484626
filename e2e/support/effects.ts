import type { Arrival, NotingServer } from './small-app.ts'

/** What a server that honours the idempotency key has done: each key once, in the order in which they first came. */
export function effectsOf({ arrivals }: Pick<NotingServer, 'arrivals'>): string[] {
  const first = new Map<unknown, string>()
  for (const arrival of arrivals) {
    const key = keyOf(arrival)
    if (!first.has(key)) first.set(key, arrival.url)
  }
  return [...first.values()]
}

function keyOf({ headers }: Arrival): unknown {
  return headers['idempotency-key']
}
