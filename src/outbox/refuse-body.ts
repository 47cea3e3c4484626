import { invalidMutation } from './invalid-mutation.ts'
import { isReadable } from './record-body.ts'

/** Says what keeps a body from being recorded: throws a `HoldfastError` of code `invalid-mutation`. */
export function assertBody({ json, body }: { json?: unknown; body?: unknown }): void {
  if (json !== undefined) assertJson(json, body)
  else if (isReadable(body)) assertRequest(body)
  else if (body !== undefined && body !== null && typeof body !== 'string') throw notABody(body)
}

/** The bytes of a body could not be had: a file may be gone, a buffer may have been transferred. */
export function unreadable(cause: unknown): Error {
  return invalidMutation(
    'its body could not be read',
    'If it holds a file, ask for the file again: it may have been moved or changed.',
    cause,
  )
}

function assertJson(json: unknown, body: unknown): void {
  if (body !== undefined) throw invalidMutation('it has both json and body', 'Pass one of them.')
  if (stringify(json) !== undefined) return
  throw invalidMutation(`its json is a ${typeof json}`, 'Pass a value that JSON can hold.')
}

function stringify(json: unknown): string | undefined {
  try {
    return JSON.stringify(json)
  } catch (cause) {
    throw invalidMutation(
      `its json cannot be written as JSON (${cause instanceof Error ? firstLine(cause.message) : String(cause)})`,
      'Pass plain data without cycles and BigInt.',
      cause,
    )
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}

function assertRequest(body: BodyInit): void {
  try {
    new Request('https://page.invalid', { method: 'POST', body })
  } catch (cause) {
    throw unreadable(cause)
  }
}

function notABody(body: unknown): Error {
  if (typeof ReadableStream !== 'undefined' && body instanceof ReadableStream) {
    return invalidMutation(
      'its body is a stream, which can be read only once, and a write may need several attempts',
      'Read it first: { body: await new Response(stream).blob() }.',
    )
  }
  const name = typeof body === 'object' ? (body?.constructor?.name ?? 'an object') : `a ${typeof body}`
  return invalidMutation(`its body is ${name}`, 'Pass an object as json, or one of the bodies that fetch() takes.')
}
