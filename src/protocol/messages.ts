/** The version that both sides of a message must speak; a message of another version is left alone. */
export const PROTOCOL_VERSION = 1

/** What contexts tell each other. Messages carry ids, never data: whoever wants the data reads the database. */
export interface ChannelEvents {
  /** Mutations were recorded. */
  appended: { ids: string[] }
  /** Attempts have begun. */
  sending: { ids: string[] }
  /** Mutations left the queue, or were put back in it after an attempt. */
  settled: { ids: string[]; progress?: DrainProgress }
  /** Dead letters were retried or discarded, mutations cancelled, the queue paused or resumed. */
  changed: { ids: string[] }
  /** A drain ended. */
  drained: DrainResult
}

/** How far a drain is: `done` of `total` since `startedAt`, milliseconds since the epoch. */
export interface DrainProgress {
  done: number
  total: number
  startedAt: number
}

export type ChannelMessage = {
  [K in keyof ChannelEvents]: { holdfast: typeof PROTOCOL_VERSION; type: K } & ChannelEvents[K]
}[keyof ChannelEvents]

/** What a run of the drain came to: how many were confirmed, how many became dead letters, how many still wait. */
export interface DrainResult {
  synced: number
  failed: number
  remaining: number
  /** When the next of them is due, where that is known. Milliseconds since the epoch. */
  nextAttemptAt?: number
}

/** From a page to the worker: look again. The answer, a `DrainResult`, goes to the port that comes along, if one does. */
export interface DrainRequest {
  holdfast: typeof PROTOCOL_VERSION
  type: 'drain'
  name: string
  /** Whether there is reason to think that the network is back, so that what failed for want of it is due at once. */
  eager: boolean
}

/** Makes the request to drain the outbox of that name. */
export function drainRequest(name: string, eager: boolean): DrainRequest {
  return { holdfast: PROTOCOL_VERSION, type: 'drain', name, eager }
}

/** From the worker, through that port. */
export type DrainReply = { ok: true; result: DrainResult } | { ok: false; message: string }

/** Says whether a message is one of ours; anything may arrive at a worker or on a channel of a common name. */
export function isChannelMessage(data: unknown): data is ChannelMessage {
  return isOurs(data) && typeof data.type === 'string' && Object.hasOwn(CHANNEL_TYPES, data.type)
}

/** Says whether a message asks this outbox to drain. */
export function isDrainRequest(data: unknown, name: string): data is DrainRequest {
  return isOurs(data) && data.type === 'drain' && data.name === name
}

const CHANNEL_TYPES: Record<keyof ChannelEvents, true> = {
  appended: true,
  sending: true,
  settled: true,
  changed: true,
  drained: true,
}

function isOurs(data: unknown): data is Record<string, unknown> {
  return typeof data === 'object' && data !== null && 'holdfast' in data && data.holdfast === PROTOCOL_VERSION
}
