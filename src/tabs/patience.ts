/** How long things take, in milliseconds. */
export interface Patience {
  /** So long nothing is heard of a leader before a follower asks. */
  quiet: number
  /** So long the answer may take. */
  answer: number
  /** So long a claim waits for objections. */
  claim: number
}

/** The channel is all there is: a crash has to be found out by it. */
export const WITHOUT_LOCKS: Patience = { quiet: 400, answer: 250, claim: 100 }

/** The lock passes on by itself. Only a leader that hangs and holds it has to be found out, and has time to answer. */
export const WITH_LOCKS: Patience = { quiet: 15_000, answer: 5_000, claim: 500 }
