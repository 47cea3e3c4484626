import { type Place, pad } from './queue-key.ts'

export interface KeyRange {
  lower: string
  upper: string
}

/** The place that a key says. */
export function placeOf(key: string): Place['in'] {
  return PLACES[Number(key[0])] ?? 'blocked'
}

/** All keys at a place lie between these, whoever's they are. */
export function boundsOf(place: Place['in']): KeyRange {
  const digit = PLACES.indexOf(place)
  return { lower: `${digit}|`, upper: `${digit}}` }
}

/** All keys of one lane at a place lie between these: those of what is ready go on with an origin, all others with a digit. */
export function boundsIn(lane: string, place: Place['in']): KeyRange {
  const prefix = `${PLACES.indexOf(place)}|${lane}`
  return place === 'ready' ? { lower: `${prefix}h`, upper: `${prefix}i` } : { lower: prefix, upper: `${prefix}:` }
}

/** The parts of the key of something ready. */
export function readyParts(key: string): { origin: string; rank: string; sequence: string } {
  const [origin = '', rank = '', sequence = ''] = key.split('|').slice(-4)
  return { origin, rank, sequence }
}

/** When something delayed is due, by its key. Milliseconds since the epoch. */
export function dueTimeOf(key: string): number {
  return Number(key.split('|').at(-3))
}

/** The keys of what is due in a lane at a time. */
export function dueUpTo(lane: string, now: number): KeyRange {
  return { lower: `2|${lane}`, upper: `2|${lane}${pad(now, 15)}}` }
}

const PLACES: Place['in'][] = ['sending', 'ready', 'delayed', 'blocked']
