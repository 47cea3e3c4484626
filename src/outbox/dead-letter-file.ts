import { isBase64 } from '../protocol/batch-body.ts'
import { HoldfastError } from '../protocol/errors.ts'
import { parseIdempotencyKey } from '../protocol/idempotency-key.ts'
import { isJsonObject } from '../protocol/merge-patch.ts'
import { type AttemptError, METHODS, type MutationMethod } from '../protocol/mutation.ts'
import type { DeadReason, Problem } from '../protocol/settlement.ts'

/**
 * The file that `deadLetters.export()` makes: JSON in UTF-8, one letter a line. It names nobody: whoever imports it is
 * the owner from then on. There is no `Authorization` or `Cookie` in it, since none is stored.
 *
 * Times are written in UTC as by `Date.prototype.toISOString()`. A file of another version is refused as a whole, and so
 * is one with a member that is not here: a word that is not understood may change what is to be sent.
 */
export interface DeadLetterFile {
  holdfast: 'dead-letters'
  version: 1
  exportedAt: string
  /** In the order in which the mutations were made. */
  letters: FiledLetter[]
}

/** One dead letter in a file. */
export interface FiledLetter {
  /** 1 to 255 of A-Z a-z 0-9 _ . : - and each once in a file. */
  id: string
  /** Absolute; with `{ref:id#/pointer}` in it where it refers to an answer. */
  url: string
  method: MutationMethod
  headers: [name: string, value: string][]
  /** Left out where there is none. */
  body?: FiledBody
  credentials?: 'omit' | 'same-origin' | 'include'
  entity?: string
  priority: number
  /** What JSON cannot hold is written as `encodeMeta` says. */
  meta?: unknown
  createdAt: string
  notBefore?: string
  expiresAt?: string
  onUncertain?: 'hold'
  /** What it takes from the answers of others, as far as that is known: by the id of the other and the JSON Pointer. */
  answers?: Record<string, Record<string, unknown>>
  /** In place of the id, where it was edited; or with `keyGiven`. */
  idempotencyKey?: string
  /** The app itself gave that key, as the value of the header: it is sent as it was. */
  keyGiven?: true
  attempts: number
  /** Times in milliseconds; null: without end. */
  retry: { attempts: number; baseMs: number | null; capMs: number | null; maxAgeMs: number | null }
  lastError?: AttemptError
  reason: DeadReason
  diedAt: string
  status?: number
  problem?: Problem
}

/** The bytes as they are sent. `lost`: they were gone from the device when the file was made. */
export type FiledBody =
  | { kind: 'json' | 'text'; text: string }
  | { kind: 'bytes'; base64: string }
  | { kind: 'lost'; of: 'json' | 'text' | 'bytes'; size: number }

/** Makes the file. `exportedAt`: milliseconds since the epoch. */
export function toFile(letters: readonly FiledLetter[], exportedAt: number): Blob {
  const head = { holdfast: FORMAT, version: VERSION, exportedAt: new Date(exportedAt).toISOString() }
  const lines = letters.map(letter => JSON.stringify(letter)).join(',\n')
  return new Blob([`${JSON.stringify(head).slice(0, -1)},"letters":[\n${lines}\n]}\n`], { type: 'application/json' })
}

const FORMAT = 'dead-letters'
const VERSION = 1

/** Reads such a file. Rejects with a `HoldfastError` of code `invalid-import` that says what is wrong, and where. */
export async function parseFile(file: Blob | string): Promise<FiledLetter[]> {
  const parsed = parseJson(await textOf(file))
  const frame = isJsonObject(parsed) ? parsed : {}
  if (frame.holdfast !== FORMAT)
    throw invalidImport('it is no file of dead letters', 'Choose a file that export() has made.')
  if (frame.version !== VERSION) {
    throw invalidImport(
      `its version is ${JSON.stringify(frame.version)}, and this app reads ${VERSION}`,
      'Reload the app, so that it is the newest one, and try again.',
    )
  }
  const flaw = flawOf(frame, FRAME)
  if (flaw !== undefined) throw invalidImport(flaw, AS_IT_WAS)
  const letters = frame.letters as unknown[]
  const seen = new Set<unknown>()
  for (const [index, letter] of letters.entries()) {
    const flaw = flawOf(letter, LETTER) ?? (seen.has((letter as FiledLetter).id) ? 'its id is there twice' : undefined)
    if (flaw !== undefined) throw invalidLetter(index, flaw)
    seen.add((letter as FiledLetter).id)
  }
  return letters as FiledLetter[]
}

export function invalidLetter(index: number, flaw: string, cause?: unknown): HoldfastError {
  return invalidImport(`letters[${index}]: ${flaw}`, AS_IT_WAS, cause)
}

const AS_IT_WAS = 'Nothing was imported. Use the file as export() has made it.'

function invalidImport(reason: string, hint: string, cause?: unknown): HoldfastError {
  return new HoldfastError({ code: 'invalid-import', action: 'import the dead letters', reason, hint, cause })
}

async function textOf(file: unknown): Promise<string> {
  if (typeof file === 'string') return file
  if (file instanceof Blob) return file.text()
  throw invalidImport('what it got is no file', 'Pass the File or Blob, or its text.')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalidImport('it is not JSON', 'Choose a file that export() has made, and that was copied whole.', cause)
  }
}

/** What a member must be, in words, and whether it is. `url`, `headers` and other parts of the write are looked at again as `mutate()` does. */
interface Kind {
  wants: string
  test: (value: unknown) => boolean
  isOptional?: true
}

const ID = /^[\w.:-]{1,255}$/
const REASONS: DeadReason[] = ['refused', 'conflict', 'attempts-exhausted', 'expired', 'body-lost', 'reference-lost']

const isText = (value: unknown): value is string => typeof value === 'string'
const isWhole = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0
const isSpan = (value: unknown) => value === null || (typeof value === 'number' && value >= 0)
const isListOf = (value: unknown, test: (item: unknown) => boolean) => Array.isArray(value) && value.every(test)
const optional = (kind: Kind): Kind => ({ ...kind, isOptional: true })

const TEXT: Kind = { wants: 'a text', test: isText }
const WHOLE: Kind = { wants: 'a whole number from 0', test: isWhole }
const SPAN: Kind = { wants: 'a time in milliseconds, or null', test: isSpan }
const ID_KIND: Kind = { wants: 'an id', test: value => isText(value) && ID.test(value) }
const oneOf = (...words: string[]): Kind => ({
  wants: words.join(' or '),
  test: value => words.includes(String(value)),
})
const TIME: Kind = { wants: 'a time such as "2026-11-21T12:00:00.000Z"', test: isTime }
const members = (kinds: Record<string, Kind>): Kind => ({
  wants: `an object with ${Object.keys(kinds).join(', ')}`,
  test: value => flawOf(value, kinds) === undefined,
})

const FRAME: Record<string, Kind> = {
  holdfast: TEXT,
  version: WHOLE,
  exportedAt: TIME,
  letters: { wants: 'a list', test: Array.isArray },
}

const LETTER: Record<string, Kind> = {
  id: ID_KIND,
  url: { wants: 'an absolute address', test: value => isText(value) && URL.canParse(value) },
  method: oneOf(...METHODS),
  headers: { wants: 'a list of names and values', test: value => isListOf(value, isHeader) },
  body: optional({ wants: 'a body', test: isBody }),
  credentials: optional(oneOf('omit', 'same-origin', 'include')),
  entity: optional(TEXT),
  priority: { wants: 'a number', test: value => typeof value === 'number' },
  meta: optional({ wants: 'an object', test: isJsonObject }),
  createdAt: TIME,
  notBefore: optional(TIME),
  expiresAt: optional(TIME),
  onUncertain: optional(oneOf('hold')),
  answers: optional({ wants: 'an object of objects', test: isAnswers }),
  idempotencyKey: optional({
    wants: 'a key',
    test: value => isText(value) && parseIdempotencyKey(value) !== undefined,
  }),
  keyGiven: optional({ wants: 'true', test: value => value === true }),
  attempts: WHOLE,
  retry: members({ attempts: WHOLE, baseMs: SPAN, capMs: SPAN, maxAgeMs: SPAN }),
  lastError: optional(members({ code: TEXT, status: optional(WHOLE), message: TEXT })),
  reason: oneOf(...REASONS),
  diedAt: TIME,
  status: optional(WHOLE),
  problem: optional({ wants: 'a problem (RFC 9457)', test: value => isJsonObject(value) && isText(value.type) }),
}

/** What is wrong with an object, in words. */
function flawOf(value: unknown, kinds: Record<string, Kind>): string | undefined {
  if (!isJsonObject(value)) return 'it is not an object'
  const unknown = Object.keys(value).find(name => !Object.hasOwn(kinds, name))
  if (unknown !== undefined) return `it has an unknown member "${unknown}"`
  const wrong = Object.entries(kinds).find(([name, { test, isOptional }]) =>
    Object.hasOwn(value, name) ? !test(value[name]) : !isOptional,
  )
  if (!wrong) return undefined
  const [name, { wants }] = wrong
  return Object.hasOwn(value, name) ? `its ${name} is not ${wants}` : `it has no ${name}`
}

function isTime(value: unknown): boolean {
  if (!isText(value)) return false
  const date = new Date(value)
  return !Number.isNaN(date.getTime()) && date.toISOString() === value
}

function isHeader(pair: unknown): boolean {
  return isListOf(pair, isText) && (pair as string[]).length === 2
}

function isAnswers(value: unknown): boolean {
  return isJsonObject(value) && Object.values(value).every(isJsonObject)
}

const TEXT_BODY = { kind: TEXT, text: TEXT }
const BODIES: Record<FiledBody['kind'], Record<string, Kind>> = {
  json: { kind: TEXT, text: { wants: 'JSON', test: isJsonText } },
  text: TEXT_BODY,
  bytes: { kind: TEXT, base64: { wants: 'base64', test: isBase64 } },
  lost: { kind: TEXT, of: oneOf('json', 'text', 'bytes'), size: WHOLE },
}

function isBody(value: unknown): boolean {
  const kind = isJsonObject(value) ? String(value.kind) : ''
  return Object.hasOwn(BODIES, kind) && flawOf(value, BODIES[kind as FiledBody['kind']]) === undefined
}

function isJsonText(value: unknown): boolean {
  try {
    return isText(value) && JSON.parse(value) !== undefined
  } catch {
    return false
  }
}
