import { cancelWaiting, readState } from '../src/outbox/outbox.ts'
import { PRINCIPAL_KEY } from '../src/outbox/principal.ts'
import type { CaptureRule } from '../src/protocol/capture.ts'
import type { Storage } from '../src/storage/open-storage.ts'
import type { Channel } from '../src/tabs/channel.ts'

/** Says which write a kept one is. */
const RECEIPT_HEADER = 'Holdfast-Receipt'

/** Where the state of a write is asked for, under the worker's scope. */
function stateAddress(scope: string, id = ''): string {
  return `${scope}.holdfast/${id}`
}

/** The id of the write that a request asks for, or wants to take back. */
export function askedFor({ method, url }: Pick<Request, 'method' | 'url'>, scope: string): string | undefined {
  const prefix = stateAddress(scope)
  const isFor = (method === 'GET' || method === 'DELETE') && url.startsWith(prefix)
  return isFor ? url.slice(prefix.length).replace(/[?#].*/s, '') : undefined
}

/** The answer to a write that is kept: accepted, and not done yet (RFC 9110, 15.3.3). */
export function receiptFor(id: string, state: 'waiting' | 'settled', scope: string): Response {
  const headers = { Location: stateAddress(scope, id), [RECEIPT_HEADER]: id }
  return json({ receipt: { id, state } }, 202, headers)
}

/**
 * The answer to a form that is kept: another page, so that a reload does not send it again (RFC 9110, 15.4.4). It is the
 * page of the rule, or the one that the form was on, with the id in its query.
 */
export function pageFor(id: string, { page }: CaptureRule, request: Request, scope: string): Response {
  const url = page === undefined ? new URL(request.referrer) : new URL(page, scope)
  url.searchParams.set('holdfast', id)
  return Response.redirect(url.href, 303)
}

export interface StatePorts {
  storage: Storage
  channel: Channel
  now: () => number
}

/**
 * How a write stands, for whoever uses the app; 404 where the outbox does not know it, or does not any more. Where it is to
 * be taken back: 204, and it is not sent any more; or 409 with how it stands, because that is too late.
 */
export async function answerState(
  { method }: Pick<Request, 'method'>,
  id: string,
  { storage, channel, now }: StatePorts,
): Promise<Response> {
  const principal = (await storage.database.get<string>('meta', PRINCIPAL_KEY)) ?? undefined
  const context = { principal, now: now() }
  if (method === 'DELETE' && (await cancelWaiting(storage, id, context))) {
    channel.post('settled', { ids: [id] })
    return new Response(null, { status: 204 })
  }
  const state = await readState(storage, id, context)
  return state ? json(state, method === 'DELETE' ? 409 : 200) : json({ id, state: 'unknown' }, 404)
}

function json(value: unknown, status: number, headers: Record<string, string> = {}): Response {
  return Response.json(value, { status, headers: { 'Cache-Control': 'no-store', ...headers } })
}
