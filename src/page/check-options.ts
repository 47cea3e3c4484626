import { isMembers, isSendable } from '../outbox/mutation-input.ts'
import { HoldfastError } from '../protocol/errors.ts'

/** Checks names and types of the options. Throws a `HoldfastError` of code `invalid-options` that says what to pass. */
export function checkOptions(options: object): void {
  check('', options, OPTIONS)
}

export function invalidOptions(reason: string, hint: string): HoldfastError {
  return new HoldfastError({ code: 'invalid-options', action: 'set up Holdfast', reason, hint })
}

type Kind = [wants: string, test: (value: unknown) => boolean]
interface Group {
  [member: string]: Kind | Group
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

const TEXT: Kind = ['a text that is not empty', isText]
const WHOLE: Kind = ['a whole number, 1 or more', value => Number.isSafeInteger(value) && Number(value) > 0]
/** Milliseconds too. */
const AMOUNT: Kind = ['a number, 0 or more', value => typeof value === 'number' && value >= 0]
const oneOf = (...values: unknown[]): Kind => [values.join(' or '), value => values.includes(value)]

const OPTIONS: Group = {
  name: TEXT,
  worker: ['an address, or false for no worker', value => value === false || isText(value)],
  handlers: ['an object with your functions', isMembers],
  auth: TEXT,
  principal: ['a text that is not empty, or null', value => value === null || isText(value)],
  judge: TEXT,
  forbidden: oneOf('refused', 'hold'),
  limits: { mutations: AMOUNT, bytes: AMOUNT },
  pace: {
    batchSize: WHOLE,
    delayMs: AMOUNT,
    concurrency: { min: WHOLE, max: WHOLE },
    endpoint: ['an http or https address', isAddress],
    onSlowLink: { batchSize: WHOLE, concurrency: WHOLE, mostBytes: AMOUNT },
  },
  retry: { attempts: WHOLE, baseMs: AMOUNT, capMs: AMOUNT, maxAgeMs: AMOUNT },
  idempotency: {
    header: TEXT,
    form: oneOf('quoted', 'bare'),
    origins: ['a list of texts', value => Array.isArray(value) && value.every(isText)],
  },
  connectivity: {
    probe: ['an http or https address, or false', value => value === false || isAddress(value)],
    timeoutMs: WHOLE,
    accepts: ['a function', value => typeof value === 'function'],
  },
  answers: { keepMs: AMOUNT, count: AMOUNT, bytes: AMOUNT },
}

function isAddress(value: unknown): boolean {
  const base = 'https://a'
  return (isText(value) || value instanceof URL) && URL.canParse(value, base) && isSendable(new URL(value, base))
}

function check(path: string, value: unknown, kind: Kind | Group): void {
  if (value === undefined) return
  const members = Array.isArray(kind) ? undefined : kind
  const [wants, test] = Array.isArray(kind) ? kind : [`an object with ${Object.keys(kind).join(', ')}`, isMembers]
  if (!test(value)) {
    const shown = typeof value === 'string' ? `"${value}"` : String(value)
    throw invalidOptions(`${path || 'what it got'} is ${shown}`, `Pass ${wants}, or leave it out.`)
  }
  if (!members) return
  for (const [member, one] of Object.entries(value as object)) {
    const name = path ? `${path}.${member}` : member
    const inner = members[member]
    if (!inner) throw invalidOptions(`there is no option "${name}"`, `Pass ${wants}.`)
    check(name, one, inner)
  }
}
