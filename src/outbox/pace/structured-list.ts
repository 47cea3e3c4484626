/** One member of a list of strings: its value and its parameters, by name. */
export interface StringItem {
  readonly value: string
  readonly parameters: ReadonlyMap<string, BareItem>
}

/** Only the types that a reader of ours looks at; tokens, decimals and the rest are valid, and `other`. */
export type BareItem =
  | { readonly type: 'integer'; readonly value: number }
  | { readonly type: 'string' | 'bytes'; readonly value: string }
  | { readonly type: 'other' }

/**
 * Reads a structured field that is a list of strings with parameters (RFC 9651 §4.2.1): strictly, all or nothing.
 * Undefined for everything else, also for an empty list.
 *
 * @example
 * parseStringList('"burst";r=5')?.[0] // { value: 'burst', parameters: Map { 'r' => { type: 'integer', value: 5 } } }
 */
export function parseStringList(field: string): StringItem[] | undefined {
  if (field.length > LONGEST_FIELD) return undefined
  const items: StringItem[] = []
  const at = { index: 0 }
  take(SPACES, field, at)
  do {
    const item = readItem(field, at)
    if (!item) return undefined
    items.push(item)
  } while (take(COMMA, field, at))
  take(SPACES, field, at)
  return at.index === field.length ? items : undefined
}

/** Servers refuse header sections beyond some 8 KiB; no honest list comes near this. */
const LONGEST_FIELD = 8192

const QUOTED = '"(?:[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\["\\\\])*"'
const STRING = new RegExp(QUOTED, 'y')
const SPACES = / */y
const COMMA = /[ \t]*,[ \t]*/y
const PARAMETER = /; *([a-z*][a-z0-9_.*-]*)/y
const EQUALS = /=/y
const INTEGER = /^-?\d{1,15}$/
/** Decimal or integer, string, byte sequence, boolean, date, display string, token: RFC 9651 §3.3. */
const BARE = new RegExp(
  [
    '-?\\d{1,12}\\.\\d{1,3}',
    '-?\\d{1,15}',
    QUOTED,
    ':[A-Za-z0-9+/=]*:',
    '\\?[01]',
    '@-?\\d{1,15}',
    '%"(?:[\\x20\\x21\\x23\\x24\\x26-\\x7e]|%[0-9a-f]{2})*"',
    "[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*",
  ].join('|'),
  'y',
)

interface Cursor {
  index: number
}

function readItem(text: string, at: Cursor): StringItem | undefined {
  const value = take(STRING, text, at)
  if (!value) return undefined
  const parameters = new Map<string, BareItem>()
  for (;;) {
    const name = take(PARAMETER, text, at)
    if (!name) return { value: unquoted(value[0]), parameters }
    const parameter = readValue(text, at)
    if (!parameter) return undefined
    parameters.set(name[1] ?? '', parameter)
  }
}

/** A parameter without a value is the boolean true. */
function readValue(text: string, at: Cursor): BareItem | undefined {
  if (!take(EQUALS, text, at)) return { type: 'other' }
  const raw = take(BARE, text, at)?.[0]
  return raw === undefined ? undefined : asBareItem(raw)
}

function asBareItem(raw: string): BareItem {
  if (raw.startsWith('"')) return { type: 'string', value: unquoted(raw) }
  if (raw.startsWith(':')) return { type: 'bytes', value: raw.slice(1, -1) }
  return INTEGER.test(raw) ? { type: 'integer', value: Number(raw) } : { type: 'other' }
}

function unquoted(raw: string): string {
  return raw.slice(1, -1).replace(/\\(["\\])/g, '$1')
}

function take(sticky: RegExp, text: string, at: Cursor): RegExpExecArray | null {
  sticky.lastIndex = at.index
  const match = sticky.exec(text)
  if (match) at.index = sticky.lastIndex
  return match
}
