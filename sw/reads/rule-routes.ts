import type { RouteHandlerCallback } from 'workbox-core/types.js'
import { Route } from 'workbox-routing/Route.js'
import { CacheFirst } from 'workbox-strategies/CacheFirst.js'
import { CacheOnly } from 'workbox-strategies/CacheOnly.js'
import { NetworkFirst } from 'workbox-strategies/NetworkFirst.js'
import { NetworkOnly } from 'workbox-strategies/NetworkOnly.js'
import { StaleWhileRevalidate } from 'workbox-strategies/StaleWhileRevalidate.js'
import type { Strategy } from 'workbox-strategies/Strategy.js'
import { type CachingRule, createUrlMatcher } from '../../src/protocol/caching.ts'
import { onlyOk, stamp, tellAge } from './age.ts'
import type { ReadPart, ReadPlace } from './read-part.ts'

/** A rule at work: where its answers are stored, and what answers. */
export interface RunningRule {
  rule: CachingRule
  cacheName: string
  strategy: Strategy
  matches(url: URL, sameOrigin: boolean): boolean
}

/**
 * What a rule may ask for beyond its strategy. `plugins` take part in reading and storing, `start` is called once, with
 * every rule of the worker.
 */
export interface RuleFeature {
  plugins?(rule: CachingRule, place: RulePlace): RulePlugins
  start?(rules: readonly RunningRule[], place: ReadPlace): void
}

export interface RulePlace extends ReadPlace {
  cacheName: string
}

/** Workbox's plugins, by when they have a say: before something is stored, when it is read, and at anything else. */
export interface RulePlugins {
  storing?: RulePlugin[]
  reading?: RulePlugin[]
  other?: RulePlugin[]
}

export type RulePlugin = Strategy['plugins'][number]

/**
 * Answers the requests that the rules match; the first rule wins. Only what the rules use needs to be among the features:
 * the plugin leaves the others out of the worker.
 */
export function ruleRoutes(rules: readonly CachingRule[], features: readonly RuleFeature[] = []): ReadPart {
  return place => {
    const running = rules.map(rule => runRule(rule, features, place))
    for (const { start } of features) start?.(running, place)
    return {
      routes: running.map(
        ({ rule, matches, strategy }) =>
          new Route(
            ({ url, sameOrigin, request }) =>
              matches(url, sameOrigin) && !isEventStream(request) && (rule.ranges || !request.headers.has('range')),
            answerBy(rule, strategy),
          ),
      ),
      cacheNames: running.map(({ cacheName }) => cacheName),
    }
  }
}

/** What could not be stored is no error of the worker's: the answer has been given. Workbox would leave it unhandled. */
function answerBy(rule: CachingRule, strategy: Strategy): RouteHandlerCallback {
  return options => {
    // What a page has read before there was a worker: nothing of it would be stored, and asking may do something.
    if (options.event.type === 'message' && rule.strategy === 'network-only') return Promise.resolve(Response.error())
    const [answer, done] = strategy.handleAll(options)
    done.catch(() => undefined)
    return answer
  }
}

/**
 * A stream of events (HTML §9.2) is no answer to be stored: one that was would be played again as if it were new, and a
 * copy that has not ended keeps its connection after the page has closed its own.
 */
function isEventStream({ headers }: Request): boolean {
  return headers.get('accept') === 'text/event-stream'
}

function runRule(rule: CachingRule, features: readonly RuleFeature[], place: ReadPlace): RunningRule {
  const cacheName = rule.cacheName ?? cacheNameOf(rule, place)
  const asked = features.map(({ plugins }) => plugins?.(rule, { ...place, cacheName }))
  const plugins = [
    ...asked.flatMap(plugins => plugins?.other ?? []),
    rule.statuses ? [] : onlyOk,
    ...asked.flatMap(plugins => plugins?.storing ?? []),
    stamp,
    ...asked.flatMap(plugins => plugins?.reading ?? []),
    tellAge,
  ].flat()
  return {
    rule,
    cacheName,
    strategy: createStrategy(rule, { cacheName, plugins }),
    matches: createUrlMatcher(rule.match),
  }
}

/** One for each rule, so that each may have a size and an age of its own. Those of former rules go at the next activation. */
function cacheNameOf({ match }: CachingRule, { name, scope }: ReadPlace): string {
  return `holdfast:runtime:${name}:${match}:${scope.registration.scope}`
}

function createStrategy(
  { strategy, timeoutMs }: CachingRule,
  options: { cacheName: string; plugins: RulePlugin[] },
): Strategy {
  const networkTimeoutSeconds = timeoutMs && timeoutMs / 1000
  switch (strategy) {
    case 'cache-first':
      return new CacheFirst(options)
    case 'network-first':
      return new NetworkFirst({ ...options, networkTimeoutSeconds })
    case 'stale-while-revalidate':
      return new StaleWhileRevalidate(options)
    case 'network-only':
      return new NetworkOnly({ networkTimeoutSeconds })
    case 'cache-only':
      return new CacheOnly(options)
  }
}
