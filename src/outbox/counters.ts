/** The record of `meta` that counts, so that nobody has to: kept in every transaction that changes the queue. */
export const COUNTERS_KEY = 'counters'

/** What one principal has. */
export interface Tally {
  /** Mutations in the queue. */
  pending: number
  /** What their bodies take, in bytes or characters. */
  bytes: number
  /** Of these, how many wait for a person. */
  held: number
  dead: number
}

export interface Counters {
  /** How many mutations were ever appended: the sequence number of the last one. */
  appended: number
  /** By lane, see `laneOf`. */
  lanes: Record<string, Tally>
  /** The answers that are kept for pages to read. */
  answers: { count: number; bytes: number }
}

export const NO_COUNTERS: Counters = { appended: 0, lanes: {}, answers: { count: 0, bytes: 0 } }

const NO_TALLY: Tally = { pending: 0, bytes: 0, held: 0, dead: 0 }

/** What a principal has, by the lane of its keys. */
export function tallyOf({ lanes }: Counters, lane: string): Tally {
  return lanes[lane] ?? NO_TALLY
}

/** The counters after a change in one lane. A lane in which nothing is left is forgotten. */
export function counted(
  counters: Counters,
  lane: string,
  { pending = 0, bytes = 0, held = 0, dead = 0 }: Partial<Tally>,
) {
  const before = tallyOf(counters, lane)
  const after: Tally = {
    pending: before.pending + pending,
    bytes: before.bytes + bytes,
    held: before.held + held,
    dead: before.dead + dead,
  }
  const { [lane]: _before, ...others } = counters.lanes
  return { ...counters, lanes: after.pending > 0 || after.dead > 0 ? { ...others, [lane]: after } : others }
}
