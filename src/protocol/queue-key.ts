import { type Mutation, PRIORITY_RANGE } from './mutation.ts'

/**
 * Where in the queue a mutation is. `sending`: under a lease. `ready`: it may be sent. `delayed`: not before a time.
 * `blocked`: behind another one of its entity, or waiting for one that it depends on.
 */
export type Place = { in: 'sending' } | { in: 'ready' } | { in: 'delayed'; until: number } | { in: 'blocked' }

/**
 * The key of a mutation at a place. Keys sort in replay order: what is being sent, what may be sent (by origin, then
 * priority, then age), what is delayed (by its time), what is blocked (by age). So the next one to send is the first key
 * of a range, however many wait. The id makes a key unique, so that one that was made from a stale sequence number can
 * never overwrite another context's mutation.
 */
export function keyAt(mutation: Pick<Mutation, 'id' | 'sequence' | 'priority' | 'url'>, place: Place): string {
  const tail = `${pad(mutation.sequence, 16)}|${mutation.id}`
  if (place.in === 'sending') return `0|${tail}`
  if (place.in === 'ready') return `${readyPrefix(originOf(mutation))}${rankOf(mutation.priority)}|${tail}`
  if (place.in === 'delayed') return `2|${pad(place.until, 15)}|${tail}`
  return `3|${tail}`
}

/** The place that a key says. */
export function placeOf(key: string): Place['in'] {
  return PLACES[Number(key[0])] ?? 'blocked'
}

/** All keys at a place lie between these. */
export function boundsOf(place: Place['in']): { lower: string; upper: string } {
  const digit = PLACES.indexOf(place)
  return { lower: `${digit}|`, upper: `${digit}}` }
}

/** What the keys of everything ready for one origin begin with. */
export function readyPrefix(origin: string): string {
  return `1|${origin}|`
}

/** The parts of the key of something ready. */
export function readyParts(key: string): { origin: string; rank: string; sequence: string } {
  const [, origin = '', rank = '', sequence = ''] = key.split('|')
  return { origin, rank, sequence }
}

/** When something delayed is due, by its key. Milliseconds since the epoch. */
export function dueTimeOf(key: string): number {
  return Number(key.split('|', 2)[1])
}

/** The greatest key of what is due at a time. */
export function dueUpTo(now: number): { lower: string; upper: string } {
  return { lower: '2|', upper: `2|${pad(now, 15)}}` }
}

/** The origin that a mutation goes to. Its url is absolute and normal by then, so that a look at the text will do. */
export function originOf({ url }: Pick<Mutation, 'url'>): string {
  return /^[a-z]+:\/\/[^/?#]+/.exec(url)?.[0] ?? ''
}

const PLACES: Place['in'][] = ['sending', 'ready', 'delayed', 'blocked']

/** Higher priorities come first, so their rank is the smaller text. */
function rankOf(priority: number): string {
  return pad(PRIORITY_RANGE - priority, 5)
}

function pad(number: number, digits: number): string {
  return String(Math.max(0, Math.round(number))).padStart(digits, '0')
}
