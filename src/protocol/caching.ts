import { HoldfastError } from './errors.ts'
import { globToRegExp } from './glob.ts'

const STRATEGIES = ['cache-first', 'network-first', 'stale-while-revalidate', 'network-only', 'cache-only'] as const

/** How a request is answered, in the words of Workbox and MDN. */
export type CachingStrategy = (typeof STRATEGIES)[number]

/**
 * How the worker answers the GET requests that match. The first rule that matches wins; files of the precache come
 * before every rule. Only answers with status 200 are stored: an opaque answer (cross-origin, without CORS) hides its
 * status, so an error page could stay in the cache for good.
 *
 * @example
 * const rule: CachingRule = { match: '/api/**', strategy: 'network-first', timeoutMs: 3000 }
 */
export interface CachingRule {
  /**
   * A text that begins with `/` is a glob over the path of requests to the app's own origin; one that begins with `http`
   * is a glob over the whole address, query included. `*` stays within a segment, `**` crosses segments. A regular
   * expression is tested against the whole address.
   */
  match: string | RegExp
  strategy: CachingStrategy
  /** The cache, by its exact name. Default: one cache per app, named after `name` and the worker's scope. */
  cacheName?: string
  /** Milliseconds to wait for the network before the cache is asked; for `network-first` and `network-only`. */
  timeoutMs?: number
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
  const { match, strategy, cacheName, timeoutMs } = rule
  if (!isUrlPattern(match)) {
    throw invalid(`${place}.match`, `${show(match)} matches nothing`, 'Begin with / or https://, or pass a RegExp.')
  }
  if (!STRATEGIES.some(known => known === strategy)) {
    throw invalid(`${place}.strategy`, `${show(strategy)} is unknown`, `Use one of ${STRATEGIES.join(', ')}.`)
  }
  if (cacheName !== undefined && !isText(cacheName)) {
    throw invalid(`${place}.cacheName`, 'it is not a text', 'Pass a name, or leave it out.')
  }
  if (timeoutMs !== undefined && !isTimeout(timeoutMs, strategy)) {
    throw invalid(
      `${place}.timeoutMs`,
      `${show(timeoutMs)} with ${show(strategy)} has no meaning`,
      'Use a number of milliseconds above 0 with network-first or network-only.',
    )
  }
}

function isTimeout(value: unknown, strategy: unknown): boolean {
  return typeof value === 'number' && value > 0 && (strategy === 'network-first' || strategy === 'network-only')
}

/** Says whether a value may stand as a `match`. */
export function isUrlPattern(value: unknown): value is string | RegExp {
  return value instanceof RegExp || (isText(value) && (value.startsWith('/') || isAddress(value)))
}

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
