import { PRINCIPAL_KEY } from '../../src/outbox/principal.ts'
import { createUrlMatcher } from '../../src/protocol/caching.ts'
import type { ChannelMessage } from '../../src/protocol/messages.ts'
import type { Mutation } from '../../src/protocol/mutation.ts'
import { namesOf } from '../../src/protocol/names.ts'
import { laneOf } from '../../src/protocol/queue-key.ts'
import { boundsIn, type KeyRange } from '../../src/protocol/queue-range.ts'
import { answerOf, type Database, openDatabase } from '../../src/storage/database.ts'
import { createChannel } from '../../src/tabs/channel.ts'
import { ageOf } from './age.ts'
import { fetchAgain } from './fetch-again.ts'
import type { RuleFeature, RulePlugin, RunningRule } from './rule-routes.ts'

/**
 * For rules that revalidate and have `tags`: while writes wait that touch one of these, an answer of the network does not
 * replace the stored one. It may not have the writes in it, and a page that follows fresh answers would lose sight of what
 * the person has just done. When they are through, what was held back is fetched and announced.
 *
 * A write touches the tags of every rule that matches its address.
 */
export const ownWrites: RuleFeature = {
  start(rules, { name, scope }) {
    const guarded = rules.filter(({ rule }) => rule.strategy === 'stale-while-revalidate' && rule.tags)
    if (guarded.length === 0) return
    const names = namesOf(name)
    const database = openDatabase({ name: names.database })
    const news = createNews()
    createChannel(names.channel).onMessage(news.hear)
    for (const one of guarded) {
      const touches = touchTest(one, rules, scope)
      const isWaiting = () => isAnyWaiting(database, touches)
      const isStored = (request: Request) => isUsable(one, request, scope)
      one.strategy.plugins.unshift(holdBack({ one, isWaiting, isStored, news }))
    }
  },
}

/** What is too old is given to nobody, so that the network must be. */
async function isUsable(
  { cacheName, rule: { maxAgeMs = Number.POSITIVE_INFINITY } }: RunningRule,
  request: Request,
  { caches }: ServiceWorkerGlobalScope,
): Promise<boolean> {
  const stored = await caches.match(request, { cacheName })
  return stored !== undefined && (ageOf(stored, Date.now()) ?? 0) <= maxAgeMs
}

interface Guard {
  one: RunningRule
  isWaiting(): Promise<boolean>
  isStored(request: Request): Promise<boolean>
  news: News
}

function holdBack({ one, isWaiting, isStored, news }: Guard): RulePlugin {
  return {
    // Sooner than the request: a page that the browser has asked for already is never asked for here.
    handlerWillStart: async ({ state = {} }) => {
      state.settled = news.settled()
    },
    requestWillFetch: async ({ request }) => {
      if (!(await isStored(request)) || !(await isWaiting())) return request
      news.hold(request, one)
      throw new TypeError('Writes to this data wait')
    },
    // Also those that were written, or sent, while the answer was on its way.
    cacheWillUpdate: async ({ request, response, state }) => {
      if (!(await isStored(request)) || (state?.settled === news.settled() && !(await isWaiting()))) return response
      news.hold(request, one)
      return null
    },
  }
}

type News = ReturnType<typeof createNews>

/** What this worker hears of the outbox, whoever drains it, and what it holds back meanwhile. */
function createNews() {
  const held = new Map<string, { request: Request; one: RunningRule }>()
  let settled = 0

  function release(): void {
    const requests = [...held.values()]
    held.clear()
    // What still has to wait is held again.
    for (const { request, one } of requests) void fetchAgain(one.strategy, request)
  }

  return {
    settled: () => settled,
    hold(request: Request, one: RunningRule) {
      // A page that is being loaded asks by itself.
      if (request.mode === 'navigate') return
      // What the browser keeps is older than the writes; and the page may be gone by then, with all that it has asked for.
      held.set(request.url, { request: new Request(request, { cache: 'no-cache', signal: null }), one })
    },
    hear({ type }: ChannelMessage) {
      if (type === 'settled') settled += 1
      if (type === 'drained') release()
    },
  }
}

/** Whether a write to this address touches what the rule is about. */
function touchTest(
  { rule: { tags = [] } }: RunningRule,
  rules: readonly RunningRule[],
  scope: ServiceWorkerGlobalScope,
): (url: string) => boolean {
  const touching = rules.filter(({ rule }) => rule.tags?.some(tag => tags.includes(tag)))
  const tests = touching.map(({ rule }) => createUrlMatcher(rule.match))
  return href => {
    const url = new URL(href)
    return tests.some(test => test(url, url.origin === scope.location.origin))
  }
}

const PAGE = 20

/** A longer queue than this is not looked through for the sake of a read: something in it will touch it. */
const MOST = 200

const PLACES = ['sending', 'ready', 'delayed', 'blocked'] as const

/**
 * Of whoever uses the app: what another person has left behind may wait for months. Where the database cannot be read,
 * nothing is known to wait, and reads go on as if there were no outbox.
 */
async function isAnyWaiting(database: Database, touches: (url: string) => boolean): Promise<boolean> {
  try {
    const lane = laneOf(await database.get<string>('meta', PRINCIPAL_KEY))
    // In one transaction: a write goes from place to place.
    return await database.read('mutations', async store => {
      for (const place of PLACES) if (await isAnyAmong(store, boundsIn(lane, place), touches)) return true
      return false
    })
  } catch {
    return false
  }
}

async function isAnyAmong(
  store: IDBObjectStore,
  { lower, upper }: KeyRange,
  touches: (url: string) => boolean,
): Promise<boolean> {
  let rest = IDBKeyRange.bound(lower, upper)
  for (let seen = 0; seen < MOST; seen += PAGE) {
    const page: Mutation[] = await answerOf(store.getAll(rest, PAGE))
    if (page.some(({ url }) => touches(url))) return true
    const last = page[PAGE - 1]
    if (!last) return false
    rest = IDBKeyRange.bound(last.key, upper, true)
  }
  return true
}
