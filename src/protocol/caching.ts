import { HoldfastError } from './errors.ts'
import { globToRegExp } from './glob.ts'

const STRATEGIES = ['cache-first', 'network-first', 'stale-while-revalidate', 'network-only', 'cache-only'] as const

/** How a request is answered, in the words of Workbox and MDN. */
export type CachingStrategy = (typeof STRATEGIES)[number]

/**
 * How the worker answers the GET requests that match. The first rule that matches wins; files of the precache come
 * before every rule. What `fetch` gets from a cache carries its `Age` in seconds (RFC 9111 §5.1). Requests for a stream of
 * events (`EventSource`) are left to the browser.
 *
 * @example
 * const rules: CachingRule[] = [
 *   { match: '/api/**', strategy: 'network-first', timeoutMs: 3000 },
 *   { match: 'https://tiles.example/**', strategy: 'cache-first', maxEntries: 500, maxAgeMs: 7 * 24 * 3600_000 },
 * ]
 */
export interface CachingRule {
  /**
   * A text that begins with `/` is a glob over the path of requests to the app's own origin; one that begins with `http`
   * is a glob over the whole address, query included. `*` stays within a segment, `**` crosses segments. A regular
   * expression is tested against the whole address.
   */
  match: string | RegExp
  strategy: CachingStrategy
  /**
   * The cache, by its exact name, for what other code shares. Not with `maxAgeMs` or `maxEntries`. Default: one for each
   * rule, named after `name`, `match` and the worker's scope.
   */
  cacheName?: string
  /** Milliseconds to wait for the network before the cache is asked; for `network-first` and `network-only`. */
  timeoutMs?: number
  /**
   * The statuses that are stored. Default: 200 alone. 0 stands for opaque answers (another origin, without CORS), which
   * hide their status: an error page could stay in the cache.
   */
  statuses?: number[]
  /** Milliseconds since it was stored after which an answer is not used any more, by this device's clock. Default: none. */
  maxAgeMs?: number
  /** How many answers are kept; the least recently used go first. Default: any number. */
  maxEntries?: number
  /**
   * An answer from the cache, however old, stands in for one that fails, or that says 500, 502, 503 or 504 (RFC 5861 §4).
   * Default: one that fails is stood in for by `network-first`, within `maxAgeMs`; one with such a status is passed on.
   */
  staleIfError?: boolean
  /**
   * Requests for a part of a file, as players of audio and video send them, are answered from the whole file, which is
   * fetched beside the first of them. Not of what is opaque: a player needs `crossorigin` for files of another origin.
   * Default: they go to the network.
   */
  ranges?: boolean
  /**
   * Pages hear when a newer answer has been stored than the one that was given: `onFresh` of `virtual:holdfast`. Default:
   * true with `stale-while-revalidate`.
   */
  announce?: boolean
  /**
   * What the answers are made of, in words of your own. A write to an address touches the tags of every rule that matches
   * it. While writes wait that touch a tag of a `stale-while-revalidate` rule, its stored answer is not replaced by one of
   * the server, which has not got them; that is done when they are through. Default: none.
   */
  tags?: string[]
  /**
   * What is stored is fetched again about twice a day, with the app closed: where the browser has periodic background
   * sync, which Chromium gives to installed apps that are used. For `network-first` and `stale-while-revalidate`.
   */
  refresh?: boolean
  /** When the device is full, caches of lower priority are deleted first. Default 0. */
  priority?: number
  /** Its cache is never deleted to make room. Not with `maxAgeMs` or `maxEntries`. */
  pinned?: boolean
}

/** Which precached page stands in for a page that the network could not give. */
export interface NavigationFallback {
  /** A file of the precache, relative to the app's base: `index.html`. */
  url: string
  /** Paths that are left to the browser: globs over the path, or regular expressions over path and query. */
  deny?: readonly (string | RegExp)[]
}

/** Says whether an address matches; `sameOrigin` tells whether it is one of the app's own. */
export type UrlMatcher = (url: { href: string; pathname: string }, sameOrigin: boolean) => boolean

/** Makes the test for a rule's `match`, with the semantics described there. */
export function createUrlMatcher(match: string | RegExp): UrlMatcher {
  // `search` and not `test`: it ignores lastIndex, so that a rule with the g flag does not match every second time.
  if (match instanceof RegExp) return url => withoutHash(url.href).search(match) >= 0
  const pattern = globToRegExp(match)
  if (isAddress(match)) return url => pattern.test(withoutHash(url.href))
  return (url, sameOrigin) => sameOrigin && pattern.test(url.pathname)
}

/**
 * Checks rules that came from outside and gives them back. Throws a `HoldfastError` with code `invalid-options` that
 * names the first bad rule and what to write instead.
 */
export function checkCachingRules(rules: unknown): CachingRule[] {
  if (rules === undefined) return []
  if (!Array.isArray(rules)) throw invalid('caching', 'it is not an array', 'Pass a list of { match, strategy }.')
  rules.forEach((rule: unknown, index) => {
    checkRule(rule, `caching[${index}]`)
  })
  return rules
}

/** Checks a `navigationFallback` option; `undefined` means that the default holds, `false` that there is none. */
export function checkNavigationFallback(value: unknown): NavigationFallback | false | undefined {
  if (value === undefined || value === false) return value
  if (isText(value)) return { url: value }
  const { url, deny = [] } = isObject(value) ? value : {}
  const denied: readonly unknown[] | undefined = Array.isArray(deny) ? deny : undefined
  if (isText(url) && denied?.every(isUrlPattern)) return { url, deny: denied }
  throw invalid(
    'navigationFallback',
    'it is neither a file name, nor false, nor { url, deny }',
    "Write navigationFallback: 'index.html', or { url: 'index.html', deny: ['/admin/**'] }.",
  )
}

function checkRule(rule: unknown, place: string): void {
  if (!isObject(rule)) throw invalid(place, 'it is not an object', 'Write { match, strategy }.')
  for (const [key, value] of Object.entries(rule)) {
    const check = Object.hasOwn(CHECKS, key) ? CHECKS[key as keyof CachingRule] : undefined
    if (!check)
      throw invalid(`${place}.${key}`, 'there is none of that name', `Known are ${Object.keys(CHECKS).join(', ')}.`)
    if (value !== undefined && !check.test(value))
      throw invalid(`${place}.${key}`, `${show(value)} ${check.reason}`, check.hint)
  }
  for (const key of ['match', 'strategy'] as const) {
    if (rule[key] === undefined) throw invalid(`${place}.${key}`, 'it is missing', CHECKS[key].hint)
  }
  const clash = CLASHES.find(({ given, when }) => isAsked(rule[given]) && when(rule))
  if (clash) throw invalid(`${place}.${clash.given}`, clash.reason, clash.hint)
}

interface Check {
  test(value: unknown): boolean
  reason: string
  hint: string
}

const isSwitch: Check = {
  test: value => typeof value === 'boolean',
  reason: 'is neither true nor false',
  hint: 'Pass true, or leave it out.',
}

const isMilliseconds: Check = {
  test: value => typeof value === 'number' && value > 0 && Number.isFinite(value),
  reason: 'is no time',
  hint: 'Use a number of milliseconds above 0.',
}

const CHECKS: Record<keyof CachingRule, Check> = {
  match: {
    test: isUrlPattern,
    reason: 'matches nothing',
    hint: 'Begin with / (a path, without ? and #) or https:// (with a path), percent-encoded; or pass a RegExp.',
  },
  strategy: {
    test: value => STRATEGIES.some(known => known === value),
    reason: 'is unknown',
    hint: `Use one of ${STRATEGIES.join(', ')}.`,
  },
  cacheName: { test: isText, reason: 'is no name', hint: 'Pass a text, or leave it out.' },
  // A timer of more than 2^31 milliseconds fires at once (HTML §8.7).
  timeoutMs: { ...isMilliseconds, test: value => isMilliseconds.test(value) && Number(value) < 2 ** 31 },
  statuses: {
    test: value => isListOf(value, isStorableStatus),
    reason: 'is no list of statuses',
    hint: 'Pass numbers such as [200, 404], and 0 for opaque answers.',
  },
  maxAgeMs: isMilliseconds,
  maxEntries: {
    test: value => Number.isInteger(value) && Number(value) > 0,
    reason: 'is no number of answers',
    hint: 'Pass a whole number above 0.',
  },
  staleIfError: isSwitch,
  ranges: isSwitch,
  announce: isSwitch,
  tags: {
    test: value => isListOf(value, isText),
    reason: 'is no list of words',
    hint: "Pass texts, such as ['notes'].",
  },
  refresh: isSwitch,
  priority: { test: Number.isFinite, reason: 'is no number', hint: 'Pass a number; lower ones go first.' },
  pinned: isSwitch,
}

interface Clash {
  given: keyof CachingRule
  when(rule: Partial<Record<keyof CachingRule, unknown>>): boolean
  reason: string
  hint: string
}

/** What would have no effect, or not the one that is meant. */
const CLASHES: Clash[] = [
  {
    given: 'timeoutMs',
    when: ({ strategy }) => strategy !== 'network-first' && strategy !== 'network-only',
    reason: 'this strategy waits for no network',
    hint: 'Use it with network-first or network-only.',
  },
  ...(['statuses', 'maxAgeMs', 'maxEntries', 'staleIfError', 'ranges', 'announce', 'priority', 'pinned'] as const).map(
    (given): Clash => ({
      given,
      when: ({ strategy }) => strategy === 'network-only',
      reason: 'network-only stores nothing',
      hint: 'Leave it out, or use another strategy.',
    }),
  ),
  {
    given: 'refresh',
    when: ({ strategy }) => strategy !== 'network-first' && strategy !== 'stale-while-revalidate',
    reason: 'this strategy does not replace what is stored',
    hint: 'Use it with network-first or stale-while-revalidate.',
  },
  // Workbox deletes a database of the cache's name when it first notes the age of something: it could be the app's own.
  {
    given: 'cacheName',
    when: ({ maxAgeMs, maxEntries }) => maxAgeMs !== undefined || maxEntries !== undefined,
    reason: 'a cache with a maximum has a name of its own',
    hint: 'Leave out cacheName, or maxAgeMs and maxEntries.',
  },
  {
    given: 'pinned',
    when: ({ maxAgeMs, maxEntries }) => maxAgeMs !== undefined || maxEntries !== undefined,
    reason: 'what is pinned is kept, whatever its age and number',
    hint: 'Leave out pinned, or maxAgeMs and maxEntries.',
  },
]

function isAsked(value: unknown): boolean {
  return value !== undefined && value !== false
}

/** A cache refuses 206, which is a part of something (Service Workers §5.4). */
function isStorableStatus(status: unknown): boolean {
  const isKnown = Number.isInteger(status) && Number(status) >= 200 && Number(status) <= 599
  return status === 0 || (isKnown && status !== 206)
}

function isListOf(value: unknown, test: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(test)
}

/** Says whether a value may stand as a `match`. */
export function isUrlPattern(value: unknown): value is string | RegExp {
  return value instanceof RegExp || (isText(value) && (isPathGlob(value) || isAddressGlob(value)))
}

/** What no path has would match nothing, and nobody would notice: a query, or letters that a browser writes as `%C3%A4`. */
function isPathGlob(value: string): boolean {
  return value.startsWith('/') && ASCII.test(value) && !/[?#]/.test(value)
}

/** The same: an address always has a path, and hosts are written small. */
function isAddressGlob(value: string): boolean {
  return ASCII.test(value) && /^https?:\/\/[^/A-Z]+\//.test(value)
}

const ASCII = /^[\x21-\x7e]+$/

function isAddress(value: string): boolean {
  return /^https?:\/\//.test(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function show(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : String(value)
}

function withoutHash(href: string): string {
  return href.replace(/#.*$/s, '')
}

function invalid(option: string, reason: string, hint: string): HoldfastError {
  return new HoldfastError({ code: 'invalid-options', action: `use the option ${option}`, reason, hint })
}
