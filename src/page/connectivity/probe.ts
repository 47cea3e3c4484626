import { isMembers, isSendable } from '../../outbox/mutation-input.ts'
import { invalidOptions } from '../check-options.ts'

/** How to find out whether the server is in reach: where a HEAD request goes, and which answers show it. */
export interface Probe {
  url: string
  /** No answer within this time is no network. Milliseconds. */
  timeoutMs: number
  /** Whether this is an answer of the server itself, and not of a captive portal. What it throws counts as no. */
  accepts(response: Response): boolean | Promise<boolean>
}

/**
 * How the app finds out whether it is online, beyond `navigator.onLine`, which is true in every captive portal.
 *
 * @example
 * const connectivity: ConnectivityOptions = { probe: '/api/health', accepts: response => response.status === 204 }
 */
export interface ConnectivityOptions {
  /**
   * The address that the leading tab asks by `HEAD`, without credentials: one that answers quickly, needs no sign-in, and
   * on another origin allows this one by CORS. Default: the worker's script. `false`: nothing is asked; what the browser
   * says, and what comes of real requests, alone decides.
   */
  probe?: string | URL | false
  /** How long to wait for the answer: from 1 to 60000 milliseconds. Default 5000. */
  timeoutMs?: number
  /**
   * Whether an answer shows that the server is in reach; it has a status and headers, and no body. Default, for an address
   * of the app's: any that is not redirected, not html and not status 511. For the
   * worker's script: a script where it is ok; and 405 or 501 of whatever type, since a portal refuses no method.
   */
  accepts?: (response: Response) => boolean | Promise<boolean>
}

/**
 * Checks the option `connectivity` and gives the probe; nothing where there is to be none. `base` is what a relative
 * address is relative to. Throws a `HoldfastError` of code `invalid-options` that names the bad member.
 *
 * @example
 * checkProbeOption({ probe: '/health' }, 'https://app.example/notes/', '/sw.js')?.url // 'https://app.example/health'
 */
export function checkProbeOption(option: unknown, base: string, workerUrl: string | undefined): Probe | undefined {
  if (option !== undefined && !isMembers(option)) throw refused('', option, `an object with ${MEMBERS.join(', ')}`)
  const { probe, timeoutMs = DEFAULT_TIMEOUT_MS, accepts, ...others } = (option ?? {}) as ConnectivityOptions
  for (const other of Object.keys(others)) {
    throw invalidOptions(`there is no option "connectivity.${other}"`, `Pass an object with ${MEMBERS.join(', ')}.`)
  }
  if (!isTimeout(timeoutMs)) throw refused('.timeoutMs', timeoutMs, 'a number of milliseconds from 1 to 60000')
  if (accepts !== undefined && typeof accepts !== 'function') throw refused('.accepts', accepts, 'a function')
  const url = probe ? addressOf(probe, base) : undefined
  if (probe !== undefined && probe !== false && !url) {
    throw refused('.probe', probe, 'an http or https address, or false for no probe')
  }
  const found = url ? { url, timeoutMs, accepts: isOwnAnswer } : defaultProbe(workerUrl, timeoutMs)
  if (probe === false || !found) return undefined
  return accepts ? { ...found, accepts } : found
}

/**
 * Asks for the worker's script: every app with a worker has it, and its type tells it from the page that a captive portal,
 * or a server of single-page apps, gives for any address. A server that does not do HEAD (405, 501) is in reach all the
 * same, and so is one in trouble. Nothing where there is no worker.
 *
 * @example
 * defaultProbe('/sw.js', 5000)?.accepts(new Response('<p>Sign in to the hotel’s network</p>')) // false
 */
export function defaultProbe(workerUrl: string | undefined, timeoutMs: number): Probe | undefined {
  return workerUrl === undefined ? undefined : { url: workerUrl, timeoutMs, accepts: isWorkerAnswer }
}

function isWorkerAnswer(response: Response): boolean {
  // With an error page of its own, perhaps; a portal has no reason to refuse a method.
  if (response.status === 405 || response.status === 501) return true
  return isOwnAnswer(response) && (!response.ok || SCRIPT.test(mediaType(response)))
}

/**
 * Portals redirect, or answer anything with a page of theirs; 511 is the status made for them (RFC 6585 §6). Of a
 * redirect that was not followed, and of an answer without CORS, a page sees nothing but status 0.
 */
function isOwnAnswer(response: Response): boolean {
  const { status, redirected } = response
  const isRedirect = redirected || (status >= 300 && status < 400)
  return status > 0 && status !== 511 && !isRedirect && !PAGE.test(mediaType(response))
}

function mediaType({ headers }: Response): string {
  return (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
}

/** The types with which a browser runs a worker (WHATWG MIME Sniffing §4.6), but for the ones of the last century. */
const SCRIPT = /^(text|application)\/(x-)?(java|ecma)script$/

const PAGE = /^(text\/html|application\/xhtml\+xml)$/

const MEMBERS = ['probe', 'timeoutMs', 'accepts']

const DEFAULT_TIMEOUT_MS = 5_000

function isTimeout(value: unknown): boolean {
  return typeof value === 'number' && value >= 1 && value <= 60_000
}

function addressOf(value: unknown, base: string): string | undefined {
  const isAddress = (typeof value === 'string' || value instanceof URL) && URL.canParse(value, base)
  const url = isAddress ? new URL(value, base) : undefined
  return url && isSendable(url) ? url.href : undefined
}

function refused(member: string, value: unknown, wants: string): Error {
  const shown = typeof value === 'string' ? `"${value}"` : String(value)
  return invalidOptions(`connectivity${member} is ${shown}`, `Pass ${wants}, or leave it out.`)
}
