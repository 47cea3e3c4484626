import {
  BATCH_MEDIA_TYPE,
  type BatchAnswer,
  type BatchLimits,
  type BatchMember,
  encodeBatch,
  isBatchPath,
  parseBatchAnswer,
} from '../protocol/batch.ts'
import { fromBatchBody, toBatchBody } from '../protocol/batch-body.ts'
import type { Mutation } from '../protocol/mutation.ts'
import { originOf } from '../protocol/queue-key.ts'
import type { SendOutcome } from '../protocol/settlement.ts'

/** What a mutation would be as a request of its own, without its key, and without what says who is asking. */
export interface BatchRequest {
  mutation: Mutation
  url: string
  headers: readonly (readonly [name: string, value: string])[]
  body: string | ArrayBuffer | undefined
}

/** What a run has learned about its endpoint. It begins as `{}`; here it is written. */
export interface BatchMemory {
  /** It answered a batch. */
  works?: boolean
  /** There are no batches there, or none that work: each mutation goes as a request of its own. */
  isUseless?: boolean
  /** True: it says that it takes gzip. False: it got some, and that went wrong. */
  gzip?: boolean
  /** Half of what was too large. */
  limits?: BatchLimits
}

export interface BatchPorts {
  /** Where batches go: an absolute address. */
  endpoint: string
  /** Who is asking, for all of them. */
  headers: readonly [name: string, value: string][]
  /** Sees each batch that goes out, and its answer. */
  fetch: typeof fetch
  /** Ends a request; asked for each. */
  signal: () => AbortSignal
  /** Whether nothing more may be sent in this run. */
  isOver: () => boolean
  /** Judges the answer to a member; without one that to a whole batch, which is nothing for the app's own judge. */
  judge: (response: Response, member?: BatchRequest) => Promise<SendOutcome>
  /** Judges a batch that got no answer. */
  unanswered: (error: unknown) => SendOutcome
  /** Sends one as a request of its own. Never rejects. */
  single: (request: BatchRequest) => Promise<SendOutcome>
  memory: BatchMemory
}

/**
 * Sends mutations, no two of one entity, in as few requests as the server allows, one request after the other. A batch
 * that goes wrong is halved, down to members that go alone, so that one that no batch can hold harms no other: in the
 * worst case that makes nearly two requests for each. Never rejects.
 *
 * Gives the outcome of each, in their order. What has none was not sent, and can be sent at once. That is so after
 * something that concerns all of them: a server or a network that does not answer, somebody who has to sign in, an endpoint
 * that is useless, a run that is over. Otherwise there is at least one outcome.
 */
export async function sendInBatches(
  requests: readonly BatchRequest[],
  ports: BatchPorts,
): Promise<(SendOutcome | undefined)[]> {
  const { memory } = ports
  const outcomes: Outcomes = new Map()
  const together = memory.isUseless ? [] : requests.filter(request => mayBatch(request, ports, requests[0]))
  let goesOn = await sendGroup(together, ports, outcomes)
  // All of them went alone in the end: it is not the members that are wrong.
  if (goesOn && together.length > 3 && !memory.works) memory.isUseless = true
  for (const request of requests) {
    if (goesOn && !outcomes.has(request)) goesOn = await sendGroup([request], ports, outcomes)
  }
  return requests.map(request => outcomes.get(request))
}

type Outcomes = Map<BatchRequest, SendOutcome>

/** Says whether more may follow. */
async function sendGroup(group: readonly BatchRequest[], ports: BatchPorts, outcomes: Outcomes): Promise<boolean> {
  const [first] = group
  if (!first) return true
  if (ports.isOver()) return false
  if (group.length === 1) {
    const outcome = await ports.single(first)
    outcomes.set(first, outcome)
    return !isWaiting(outcome)
  }
  const sent = await sendBatch(group, ports)
  if (sent.kind === 'useless') {
    ports.memory.isUseless = true
    return false
  }
  if (sent.kind === 'halve') {
    const [half, rest] = [group.slice(0, sent.at), group.slice(sent.at)]
    return (await sendGroup(half, ports, outcomes)) && sendGroup(rest, ports, outcomes)
  }
  for (const [request, outcome] of sent.outcomes) outcomes.set(request, outcome)
  const rest = group.filter(request => !sent.outcomes.has(request))
  return sent.kind === 'answered' && sendGroup(rest, ports, outcomes)
}

/**
 * Whether a mutation may share a request with others. Not where it came to nothing before, since that may be what the
 * others would come to with it; without a network, which is seldom its fault, it has three more. Nor where it must not be
 * sent again unasked, as a batch is that was halved; nor where it is large, since a batch is to save small requests; nor
 * where the app gave the key, which may be that of another write, too.
 */
function mayBatch({ mutation, url }: BatchRequest, { endpoint }: BatchPorts, first?: BatchRequest): boolean {
  const { attempts, failures, onUncertain, keyGiven, credentials, body } = mutation
  const isHarmless = attempts === 0 && failures < 4 && !onUncertain && !keyGiven && body.kind !== 'apart'
  return isHarmless && credentials === first?.mutation.credentials && isBatchPath(pathOf(url, endpoint))
}

/** Empty on another origin. */
function pathOf(url: string, endpoint: string): string {
  const origin = originOf({ url: endpoint })
  return url.startsWith(`${origin}/`) ? url.slice(origin.length).replace(/#.*/, '') : ''
}

/** `failed`: one outcome for all of them, which concerns others too. `useless`: there are no batches. */
type BatchSent =
  | { kind: 'answered' | 'failed'; outcomes: Outcomes }
  /** To be tried in two, of which the first has so many. */
  | { kind: 'halve'; at: number }
  | { kind: 'useless' }

/**
 * Makes one request of as many as fit. A mutation ends only by an answer of its own: that to the batch as a whole can make
 * all of them wait, and no more. Never rejects.
 */
async function sendBatch(group: readonly BatchRequest[], ports: BatchPorts): Promise<BatchSent> {
  const { endpoint, memory } = ports
  const members = group.map(request => toMember(request, endpoint))
  const { text, count } = encodeBatch(members, memory.limits)
  if (count < 2) return { kind: 'halve', at: 1 }
  const isPacked = memory.gzip === true && text.length > GZIP_FROM
  const sent = await exchange({ text, isPacked, members: group.slice(0, count) }, ports)
  if (!isPacked || sent.kind !== 'useless') return sent
  // It may be the packing alone that something on the way does not like.
  memory.gzip = false
  return sendBatch(group, ports)
}

/** Characters. With less there is little to gain. */
const GZIP_FROM = 8192

interface Batch {
  text: string
  isPacked: boolean
  members: readonly BatchRequest[]
}

async function exchange(batch: Batch, ports: BatchPorts): Promise<BatchSent> {
  try {
    const response = await post(batch, ports)
    learn(batch, response, ports.memory)
    return await readAnswers(response, batch.members, ports)
  } catch (error) {
    // A preflight may have refused it, of which code hears no more than that.
    if (batch.isPacked) ports.memory.gzip = false
    return failed(batch.members, ports.unanswered(error))
  }
}

async function post(
  { text, isPacked, members }: Batch,
  { fetch, endpoint, headers, signal }: BatchPorts,
): Promise<Response> {
  const type: [string, string] = ['content-type', BATCH_MEDIA_TYPE]
  return fetch(endpoint, {
    method: 'POST',
    headers: [...headers, type, ...(isPacked ? [['content-encoding', 'gzip'] as [string, string]] : [])],
    body: isPacked ? await gzip(text) : text,
    credentials: members[0]?.mutation.credentials,
    cache: 'no-store',
    signal: signal(),
  })
}

function gzip(text: string): Promise<ArrayBuffer> {
  return new Response(new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer()
}

function learn({ text, members }: Batch, { status, headers }: Response, memory: BatchMemory): void {
  // RFC 9110, 12.5.3. Once it went wrong, it counts no more.
  if (/\bgzip\b/.test(headers.get('accept-encoding') ?? '')) memory.gzip ??= typeof CompressionStream === 'function'
  // At three bytes for a character: half of it, and a little, since halves are never quite the same.
  if (status === 413) memory.limits = { members: Math.ceil(members.length / 2), bytes: text.length * 1.6 }
}

async function readAnswers(
  response: Response,
  members: readonly BatchRequest[],
  { judge, memory }: BatchPorts,
): Promise<BatchSent> {
  const { status, headers } = response
  const date = headers.get('date')
  const halve = { kind: 'halve', at: Math.ceil(members.length / 2) } as const
  if (status === 200 && headers.get('content-type')?.startsWith(BATCH_MEDIA_TYPE)) {
    const answers = parseBatchAnswer(await response.text(), members.map(keyOf))
    // One at least, so that sending the others again comes to an end.
    if (!answers?.size) return halve
    memory.works = true
    const outcomes: Outcomes = new Map()
    for (const member of members) {
      const answer = answers.get(keyOf(member))
      if (answer) outcomes.set(member, await judge(toResponse(answer, date), member))
    }
    return { kind: 'answered', outcomes }
  }
  const outcome = await judge(response)
  if (HALVED.includes(status)) return halve
  return isWaiting(outcome) ? failed(members, outcome) : { kind: 'useless' }
}

/** A member of it may be wrong, or it is too much. What else can be wrong has its row in the table of outcomes. */
const HALVED = [400, 413, 422, 500]

/** As it would have come by itself. */
function toResponse({ status, headers, body }: BatchAnswer, date: string | null): Response {
  const fields = new Headers(headers)
  // What a `Retry-After` that is a date is held against.
  if (date && !fields.has('date')) fields.set('date', date)
  // Response throws where one of these has a body, and makes up a content type for a text.
  const content = body && ![204, 205, 304].includes(status) ? fromBatchBody(body) : null
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  return new Response(bytes, { status, headers: fields })
}

function toMember(request: BatchRequest, endpoint: string): BatchMember {
  const { mutation, url, headers, body } = request
  return {
    id: keyOf(request),
    method: mutation.method,
    url: pathOf(url, endpoint),
    headers: Object.fromEntries(headers),
    body: toBatchBody(body),
  }
}

function keyOf({ mutation: { id, idempotencyKey } }: BatchRequest): string {
  return idempotencyKey ?? id
}

function isWaiting({ kind }: SendOutcome): boolean {
  return kind === 'retry' || kind === 'hold'
}

function failed(members: readonly BatchRequest[], outcome: SendOutcome): BatchSent {
  return { kind: 'failed', outcomes: new Map(members.map(member => [member, outcome])) }
}
