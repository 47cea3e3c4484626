import { type Mutation, PRIORITY_RANGE } from './mutation.ts'

/**
 * Where in the queue a mutation is. `sending`: under a lease. `ready`: it may be sent. `delayed`: not before a time.
 * `blocked`: behind another one of its entity, or waiting for one that it depends on.
 */
export type Place = { in: 'sending' } | { in: 'ready' } | { in: 'delayed'; until: number } | { in: 'blocked' }

/**
 * The key of a mutation at a place. Keys sort in replay order: what is being sent, what may be sent (by origin, then
 * priority, then age), what is delayed (by its time), what is blocked (by age), and within each of them by the principal.
 * So the next one to send is the first key of a range, however many wait, and however many of somebody else. The id makes a key unique, so that one that was made from a stale sequence number can
 * never overwrite another context's mutation.
 */
export function keyAt(
  mutation: Pick<Mutation, 'id' | 'sequence' | 'priority' | 'url' | 'principal'>,
  place: Place,
): string {
  const lane = laneOf(mutation.principal)
  const tail = `${pad(mutation.sequence, 16)}|${mutation.id}`
  if (place.in === 'sending') return `0|${lane}${tail}`
  if (place.in === 'ready') return `${readyPrefix(lane, originOf(mutation))}${rankOf(mutation.priority)}|${tail}`
  if (place.in === 'delayed') return `2|${lane}${pad(place.until, 15)}|${tail}`
  return `3|${lane}${tail}`
}

/** The part of a key that says whose it is: nothing for nobody's. It sorts after every digit, and before every origin. */
export function laneOf(principal: string | undefined): string {
  return principal === undefined ? '' : `@${encodeURIComponent(principal)}|`
}

/** What the keys of everything ready for one origin begin with. */
export function readyPrefix(lane: string, origin: string): string {
  return `1|${lane}${origin}|`
}

/** The origin that a mutation goes to. Its url is absolute and normal by then, so that a look at the text will do. */
export function originOf({ url }: Pick<Mutation, 'url'>): string {
  return /^[a-z]+:\/\/[^/?#]+/.exec(url)?.[0] ?? ''
}

/** Higher priorities come first, so their rank is the smaller text. */
function rankOf(priority: number): string {
  return pad(PRIORITY_RANGE - priority, 5)
}

/** A number as text that sorts like it. */
export function pad(number: number, digits: number): string {
  const greatest = Math.min(10 ** digits - 1, Number.MAX_SAFE_INTEGER)
  return String(Math.min(greatest, Math.max(0, Math.round(number)))).padStart(digits, '0')
}
