import { createUrlMatcher, isUrlPattern, type UrlMatcher } from './caching.ts'
import { HoldfastError } from './errors.ts'
import { METHODS, type MutationMethod, PRIORITY_RANGE } from './mutation.ts'

/**
 * Which writes of the app the worker keeps when they do not reach the server. The first rule that matches wins.
 *
 * @example
 * const rule: CaptureRule = { match: '/api/notes/**', entity: 'notes', timeoutMs: 10_000 }
 */
export interface CaptureRule {
  /** As in a `CachingRule`: a glob over the path, one over a whole address that begins with `http`, or a RegExp. */
  match: string | RegExp
  /** Default: POST, PUT, PATCH and DELETE. */
  methods?: MutationMethod[]
  /** Writes of one entity reach the server in their order, one at a time. Default: the path of the request. */
  entity?: string
  /** Higher first, from -10000 to 10000. Default 0. */
  priority?: number
  /** Whether what waits may be joined; see `MutationInput`. Only of writes that were never on their way. Default: false. */
  coalesce?: false | 'replace' | 'merge'
  /** The name of a function among the `captures` of the handlers, whose word goes before the rule's. */
  handler?: string
  /** Milliseconds to wait for the server's answer to begin. Default 120000, as for any attempt of the outbox. */
  timeoutMs?: number
  /**
   * What the app hears of a write that is kept. `receipt`: 202, and where to learn how it ends. `fail`: the failure, as if
   * nothing had been kept. Default: `receipt`.
   */
  otherwise?: 'receipt' | 'fail'
  /** Where a form that was kept leads, with `?holdfast=<id>`; relative to the worker. Default: the page that it was on. */
  page?: string
  /** How often, how soon and for how long it is tried again. Default: as `createHoldfast()` has it by default. */
  retry?: { attempts?: number; baseMs?: number; capMs?: number; maxAgeMs?: number }
  /**
   * How many writes, and how many bytes of bodies, may wait on the device at most, whatever they are, with this one. Beyond
   * it nothing is kept, and the app gets the failure. Default: no limit.
   */
  limits?: { mutations?: number; bytes?: number }
  /**
   * Whether a server of another origin gets the `Idempotency-Key`, which its CORS rules must allow. The app's own always
   * does. Such writes are never coalesced. Default: where `createHoldfast({ idempotency: { origins } })` names the origin.
   */
  sendKey?: boolean
}

/** How rules may be given: a text or RegExp is a rule with nothing but `match`. */
export type CaptureRules = readonly (string | RegExp | CaptureRule)[]

/** A rule's test of an address; made once. */
export function createCaptureMatcher({ match, methods = [...METHODS] }: CaptureRule) {
  const matches: UrlMatcher = createUrlMatcher(match)
  return (method: string, ...address: Parameters<UrlMatcher>): boolean =>
    methods.some(known => known === method) && matches(...address)
}

/**
 * Checks rules that came from outside and gives them in full. Throws a `HoldfastError` with code `invalid-options` that
 * names the first bad rule and what to write instead.
 */
export function checkCaptureRules(rules: unknown): CaptureRule[] {
  if (rules === undefined) return []
  if (!Array.isArray(rules)) throw invalid('queue', 'it is not an array', "Write queue: ['/api/**'].")
  return rules.map((given: unknown, index) => {
    const rule = typeof given === 'string' || given instanceof RegExp ? { match: given } : given
    return checkRule(rule, `queue[${index}]`)
  })
}

const TESTS: Record<keyof CaptureRule, { test: (value: unknown) => boolean; wants: string }> = {
  match: { test: isUrlPattern, wants: 'a text that begins with / or https://, or a RegExp' },
  methods: { test: areMethods, wants: `some of ${METHODS.join(', ')}` },
  entity: { test: isText, wants: 'a name' },
  priority: { test: isPriority, wants: `a whole number from -${PRIORITY_RANGE} to ${PRIORITY_RANGE}` },
  coalesce: { test: value => value === false || value === 'replace' || value === 'merge', wants: 'replace or merge' },
  handler: { test: isText, wants: 'the name of a function among handlers.captures' },
  timeoutMs: { test: value => typeof value === 'number' && value > 0, wants: 'a number of milliseconds above 0' },
  otherwise: { test: value => value === 'receipt' || value === 'fail', wants: 'receipt or fail' },
  page: { test: isText, wants: 'the address of a page' },
  retry: {
    test: value => hasOnly(value, { attempts: isCount, baseMs: isAmount, capMs: isAmount, maxAgeMs: isAmount }),
    wants: '{ attempts, baseMs, capMs, maxAgeMs }: attempts a whole number from 1, the others milliseconds',
  },
  limits: {
    test: value => hasOnly(value, { mutations: isAmount, bytes: isAmount }),
    wants: '{ mutations, bytes }, numbers from 0',
  },
  sendKey: { test: value => typeof value === 'boolean', wants: 'true or false' },
}

function checkRule(rule: unknown, place: string): CaptureRule {
  if (typeof rule !== 'object' || rule === null || !('match' in rule)) {
    throw invalid(place, 'it is no rule', "Write a glob such as '/api/**', or { match: '/api/**' }.")
  }
  for (const [name, value] of Object.entries(rule)) {
    const member = TESTS[name as keyof CaptureRule]
    if (!Object.hasOwn(TESTS, name)) {
      throw invalid(`${place}.${name}`, 'there is none of that name', `Known are ${Object.keys(TESTS).join(', ')}.`)
    }
    if ((value !== undefined || name === 'match') && !member.test(value)) {
      throw invalid(`${place}.${name}`, `it is not ${member.wants}`, `Pass ${member.wants}.`)
    }
  }
  return rule as CaptureRule
}

function areMethods(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(item => METHODS.some(method => method === item))
}

function isPriority(value: unknown): boolean {
  return Number.isInteger(value) && Math.abs(value as number) <= PRIORITY_RANGE
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) > 0
}

/** Finite: the plugin writes rules as JSON into the worker. */
function isAmount(value: unknown): boolean {
  return Number.isFinite(value) && Number(value) >= 0
}

function hasOnly(value: unknown, members: Record<string, (member: unknown) => boolean>): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(
    ([name, member]) => Object.hasOwn(members, name) && (member === undefined || members[name]?.(member)),
  )
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function invalid(option: string, reason: string, hint: string): HoldfastError {
  return new HoldfastError({ code: 'invalid-options', action: `use the option ${option}`, reason, hint })
}
