/**
 * The version of messages and records that this code speaks. A newer side understands an older one; the older side leaves
 * messages of a newer one alone, and does not send what a newer one may have recorded.
 */
export const PROTOCOL_VERSION: number = 1

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

/** Who stands for election, or leads. Of two the higher term goes first, then the smaller id. */
export interface Candidacy {
  id: string
  term: number
}

/** What tabs tell each other, on a channel of their own: it does not concern the worker. */
export interface TabEvents {
  /** Who leads? A leader answers at once. */
  asking: { id: string }
  /** This tab will lead, unless somebody objects. */
  claiming: Candidacy
  /** This tab leads. */
  leading: Candidacy
  /** This tab leads no more. */
  resigned: Candidacy
  /** What the leader has found out about the network. */
  link: { link: unknown }
  /** To the leader, where there is no worker: look at the queue. */
  wanted: { eager: boolean }
}

/** A message of a channel, by its events. */
export type MessageOf<Events> = { [K in keyof Events]: { holdfast: number; type: K } & Events[K] }[keyof Events]

export type ChannelMessage = MessageOf<ChannelEvents>

/** What a run of the drain came to: how many were confirmed, how many became dead letters, how many still wait. */
export interface DrainResult {
  synced: number
  failed: number
  remaining: number
  /** Whether any server answered, where one was asked. */
  reached?: boolean
  /** When the next of them is due, where that is known. Milliseconds since the epoch. */
  nextAttemptAt?: number
}

/** From a page to the worker: look again. The answer, a `DrainResult`, goes to the port that comes along, if one does. */
export interface DrainRequest {
  holdfast: number
  type: 'drain'
  name: string
  /** Whether there is reason to think that the network is back, so that what failed for want of it is due at once. */
  eager: boolean
}

/** Makes the request to drain the outbox of that name. */
export function drainRequest(name: string, eager: boolean): DrainRequest {
  return { holdfast: PROTOCOL_VERSION, type: 'drain', name, eager }
}

/** From the worker, through that port: first, without a result, that it has begun; then what came of it. */
export type DrainReply = { ok: true; result?: DrainResult } | { ok: false; message: string }

/** Says whether a message is one of ours; anything may arrive at a worker or on a channel of a common name. */
export function isMessage(data: unknown): data is { holdfast: number; type: string } & Record<string, unknown> {
  return (
    typeof data === 'object' &&
    data !== null &&
    'holdfast' in data &&
    Number(data.holdfast) <= PROTOCOL_VERSION &&
    'type' in data
  )
}

/** Says whether a message asks this outbox to drain. */
export function isDrainRequest(data: unknown, name: string): data is DrainRequest & Record<string, unknown> {
  return isMessage(data) && data.type === 'drain' && data.name === name
}
