import { type Place, pad } from './queue-key.ts'

/** The place that a key says. */
export function placeOf(key: string): Place['in'] {
  return PLACES[Number(key[0])] ?? 'blocked'
}

/** All keys at a place lie between these. */
export function boundsOf(place: Place['in']): { lower: string; upper: string } {
  const digit = PLACES.indexOf(place)
  return { lower: `${digit}|`, upper: `${digit}}` }
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

const PLACES: Place['in'][] = ['sending', 'ready', 'delayed', 'blocked']
