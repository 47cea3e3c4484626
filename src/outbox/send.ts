import { formatIdempotencyKey } from '../protocol/idempotency-key.ts'
import type { Mutation } from '../protocol/mutation.ts'
import type { SendOutcome } from '../protocol/settlement.ts'
import { type JudgeSettings, judge } from './judge.ts'
import { judgeFailure } from './outcome-table.ts'
import type { RunAuth } from './run-auth.ts'
import type { SendableRequest } from './sendable-request.ts'
import type { KeySettings } from './settings.ts'

export interface SendPorts extends JudgeSettings {
  fetch: typeof fetch
  now: () => number
  /** Ends the attempt; what it did on the server is then unknown, and the same key will ask. */
  signal: AbortSignal
  auth: RunAuth
  key: KeySettings
  /** The app's own origin. */
  origin: string
  isOnline: () => boolean
  /** Whether it may be sent once more: whoever it belongs to still uses the app. */
  isCurrent: () => Promise<boolean>
}

/** What an attempt came to, and the head of the answer where there was one. */
export interface Sent {
  outcome: SendOutcome
  headers?: Headers
}

/**
 * Makes one HTTP attempt and judges it; where the server asks who this is and the auth provider has newer headers, a second
 * one with them. Never rejects: what the network does is an outcome. No transaction is open while it runs.
 */
export async function send(mutation: Mutation, request: SendableRequest, ports: SendPorts): Promise<Sent> {
  const generation = ports.auth.generation()
  const sent = await sendOnce(mutation, request, ports)
  const isUnknown = sent.outcome.kind === 'hold' && sent.outcome.status === 401
  if (!isUnknown) return sent
  try {
    const { principal } = mutation
    return (await mayRepeat(ports, { generation, principal })) ? sendOnce(mutation, request, ports) : sent
  } catch (error) {
    // Our time was up before the provider had an answer: the next attempt asks again.
    return authFailed(error)
  }
}

/** Whether there are newer headers, and it is still the same one who asks. */
export async function mayRepeat(
  { auth, signal, isCurrent }: SendPorts,
  asked: { generation: number; principal?: string },
): Promise<boolean> {
  return (await auth.hasNewer(asked, signal)) && (await isCurrent())
}

async function sendOnce(mutation: Mutation, { url, headers, body }: SendableRequest, ports: SendPorts): Promise<Sent> {
  const { fetch, signal, auth, now, isOnline } = ports
  const { id, method, principal, credentials } = mutation
  const wasOnline = isOnline()
  try {
    const own = await auth.headers({ url, method, id, principal }, signal).catch(authFailed)
    if (!(own instanceof Headers)) return own
    const all = new Headers(headers.map(([name, value]): [string, string] => [name, value]))
    for (const [name, value] of [...keyField(mutation, url, ports), ...own]) all.set(name, value)
    const response = await fetch(url, { method, headers: all, body, credentials, cache: 'no-store', signal })
    return { outcome: await judge(response, { ...ports, url, now: now() }), headers: response.headers }
  } catch (error) {
    return { outcome: unanswered(error, wasOnline) }
  }
}

/** The header with the key, where the server is known to let it pass. */
export function keyField(
  { id, idempotencyKey, keyGiven }: Pick<Mutation, 'id' | 'idempotencyKey' | 'keyGiven'>,
  url: string,
  { key, origin }: Pick<SendPorts, 'key' | 'origin'>,
): [string, string][] {
  const value = idempotencyKey ?? id
  if (!keyGiven && ![origin, ...key.origins].includes(new URL(url).origin)) return []
  return [[key.header, keyGiven || key.form === 'bare' ? value : formatIdempotencyKey(value)]]
}

/** Nothing has left the device. */
function authFailed(error: unknown): Sent {
  const message = `The auth provider failed: ${error instanceof Error ? error.message : String(error)}`
  return { outcome: { kind: 'retry', code: 'network', message, costsAttempt: false, uncertain: false } }
}

/** The request, or reading its answer, broke off: it may have arrived, and the key makes another attempt harmless. */
export function unanswered(error: unknown, wasOnline = true): SendOutcome {
  const isTimeout = error instanceof DOMException && (error.name === 'TimeoutError' || error.name === 'AbortError')
  const code = isTimeout ? 'timeout' : 'network'
  const { reason: message, costsAttempt, uncertain } = judgeFailure(wasOnline ? code : 'offline')
  return { kind: 'retry', code, message, costsAttempt, uncertain }
}
