import { asProblem, type SendOutcome } from '../protocol/settlement.ts'
import { type JudgeOptions, judgeFailure } from './outcome-table.ts'
import { type Judge, judgeByApp } from './own-judge.ts'
import { retryAfterMs } from './retry-delay.ts'

/** What the app has to say about answers. */
export interface JudgeSettings {
  /** The app's own word, which goes before the table. */
  judgeOwn?: Judge
  judgeOptions?: JudgeOptions
}

export interface JudgePorts extends JudgeSettings {
  /** The address that was asked. */
  url: string
  now: number
}

/**
 * What an answer means, by the table of outcomes. Where the body breaks off, or does not end, the head has said what
 * matters: sending the write again would be worse than not having all of the answer. Only of a 409 the body tells whether
 * it is a conflict, or the server is still at work on this very write.
 */
export async function judge(
  response: Response,
  { url, now, judgeOwn, judgeOptions }: JudgePorts,
): Promise<SendOutcome> {
  const { status, type } = response
  const read = await readBody(response)
  if (read === 'cut-off' && status === 409) return { kind: 'retry', code: 'status', ...cutOff(status) }
  const body = read === 'cut-off' ? undefined : read.body
  const headers = Object.fromEntries(response.headers)
  const problem = mediaType(response) === 'application/problem+json' ? asProblem(body) : undefined
  const redirected = response.redirected && !isSameAddress(response.url, url)
  const verdict = judgeByApp({ status, headers, problem, body, type, redirected }, judgeOwn, judgeOptions)
  // The table has decided; the developer hears of it as of any error that nobody catches.
  if (verdict.judgeError !== undefined) globalThis.reportError?.(verdict.judgeError)
  if (verdict.kind === 'confirmed') return { kind: 'confirmed', status, headers, body }
  const { costsAttempt, uncertain, reason } = verdict
  const failure = { status, problem, costsAttempt, uncertain, message: problem?.detail ?? problem?.title ?? reason }
  if (verdict.kind !== 'retry') return { kind: verdict.kind, ...failure }
  return { kind: 'retry', code: 'status', ...failure, retryAfterMs: retryAfterMs(response.headers, now) }
}

/** A server that adds or takes the last slash of a path is still the same place; fetch keeps the method then (307, 308). */
function isSameAddress(a: string, b: string): boolean {
  const [first, second] = [new URL(a), new URL(b)]
  const path = ({ pathname }: URL) => pathname.replace(/\/$/, '')
  return first.origin === second.origin && path(first) === path(second)
}

function cutOff(status: number) {
  const { reason: message, costsAttempt, uncertain } = judgeFailure('cut-off')
  return { status, message, costsAttempt, uncertain }
}

/** An answer is kept for the page that waits for it; beyond this many bytes only its status and headers are. */
const KEPT_BODY_LIMIT = 64 * 1024

/** JSON where the server says so and it is; text otherwise; nothing for an empty or a very long body. */
async function readBody(response: Response): Promise<{ body: unknown } | 'cut-off'> {
  try {
    const text = await readText(response, KEPT_BODY_LIMIT)
    if (text === '' || text === undefined) return { body: undefined }
    const type = mediaType(response)
    return { body: type === 'application/json' || type.endsWith('+json') ? parseJson(text) : text }
  } catch {
    return 'cut-off'
  }
}

/** The whole text, or nothing where it is longer than the limit, which is not read on then. */
async function readText({ body }: Response, limit: number): Promise<string | undefined> {
  const reader = body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for (;;) {
    const chunk = await reader?.read()
    if (!chunk || chunk.done) return text + decoder.decode()
    size += chunk.value.byteLength
    if (size > limit) {
      await reader?.cancel()
      return undefined
    }
    text += decoder.decode(chunk.value, { stream: true })
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function mediaType(response: Response): string {
  return (response.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}
