import type { Handlers } from '../src/outbox/handlers.ts'
import type { HoldRecord } from '../src/outbox/pause.ts'
import { browserPlatform, type Platform } from '../src/outbox/platform.ts'
import { type CaptureRule, createCaptureMatcher } from '../src/protocol/capture.ts'
import { namesOf } from '../src/protocol/names.ts'
import { isDelivery } from '../src/protocol/own-request.ts'
import { createChannel } from '../src/tabs/channel.ts'
import { answerState, askedFor } from './capture-answer.ts'
import { assertHandlers } from './capture-handlers.ts'
import { createInHand } from './capture-in-hand.ts'
import { endHold } from './capture-lookup.ts'
import { answerWrite } from './capture-one.ts'
import { createTurns } from './capture-turns.ts'
import { createRun, type Runner } from './replay.ts'
import { createTagRegistration } from './sync-tag.ts'

export interface CaptureOptions {
  rules: readonly CaptureRule[]
  /** Default `holdfast`. */
  name?: string
  handlers?: Handlers
  scope?: ServiceWorkerGlobalScope
  platform?: Platform
}

/** What one event may take: other engines than Chromium cut it after 30 s. */
const EVENT_BUDGET_MS = 20_000

/**
 * Makes this worker keep the writes of the app that do not reach the server. To be called before other listeners are
 * added: it answers what it keeps, and the questions how a write stands, and leaves everything else to them. Gives what
 * drains, which others of the same outbox can use too.
 *
 * Throws a `HoldfastError` of code `invalid-options` where a rule names a handler that there is none of.
 */
export function startCapture({
  rules,
  name,
  handlers,
  scope = globalThis as unknown as ServiceWorkerGlobalScope,
  platform = browserPlatform(),
}: CaptureOptions): Runner {
  assertHandlers(rules, handlers)
  const names = namesOf(name)
  const channel = createChannel(names.channel)
  const runner = createRun(names, platform, handlers)
  const { open, isDue } = runner
  const run = (eager: boolean) => runner.run({ budgetMs: EVENT_BUDGET_MS, eager }).catch(() => undefined)
  const registerTag = createTagRegistration(scope.registration, names.syncTagPrefix, channel)
  const ruleFor = createRuleFinder(rules, platform.origin)
  const takeTurn = createTurns()
  const takeInHand = createInHand(platform.now())
  const warn = createWarnOnce()
  const { scope: base } = scope.registration

  async function wakeUp(ids: string[], ended: string[]): Promise<void> {
    channel.post('appended', { ids })
    if (ended.length > 0) channel.post('settled', { ids: ended })
    await Promise.all([registerTag(), run(false)])
  }

  /** The server knows again who this is, and nothing else would say so in an app without code of ours. */
  async function goOn(held: HoldRecord): Promise<void> {
    await endHold(await open(), held)
    channel.post('changed', { ids: [] })
    await run(true)
  }

  const answer = (event: FetchEvent, rule: CaptureRule) =>
    answerWrite(event.request, {
      rule,
      turn: takeTurn(),
      open,
      handlers,
      platform,
      clientId: event.clientId,
      takeInHand,
      // Not before: a worker that is killed in between has the same request come again.
      onInHand: ({ letGo }) => event.waitUntil(Promise.resolve(event.handled).then(letGo, letGo)),
      scope: base,
      onStored: (ids, ended) => event.waitUntil(wakeUp(ids, ended)),
      onAccepted: held => event.waitUntil(goOn(held)),
      warn,
    })

  scope.addEventListener('fetch', event => {
    const { request } = event
    const id = askedFor(request, base)
    const rule = id === undefined ? ruleFor(request) : undefined
    if (id !== undefined) {
      event.respondWith(open().then(storage => answerState(request, id, { storage, channel, now: platform.now })))
    }
    if (rule) event.respondWith(answer(event, rule))
    if (isDue()) event.waitUntil(run(false))
  })
  return runner
}

/** The same words would come at each write. */
function createWarnOnce(): (text: string) => void {
  const said = new Set<string>()
  return text => {
    if (!said.has(text)) console.warn(text)
    said.add(text)
  }
}

/** The rule for a request, where it is a write of this app, and one that can be sent again later. */
function createRuleFinder(rules: readonly CaptureRule[], origin: string) {
  const matchers = rules.map(rule => ({ rule, matches: createCaptureMatcher(rule) }))
  return (request: Request): CaptureRule | undefined => {
    if (request.method === 'GET' || isDelivery(request)) return undefined
    const url = new URL(request.url)
    if (!isOfThisApp(request, url, origin)) return undefined
    return matchers.find(({ matches }) => matches(request.method, url, url.origin === origin))?.rule
  }
}

/**
 * A form on a page of somebody else's may lead here too. Sent again by the worker it would be a request of this app, with
 * cookies that browsers keep from such forms: only what comes from a page of this origin is taken. And a request to
 * another origin that asks for no CORS gets no answer that could be read.
 */
function isOfThisApp({ mode, referrer }: Request, url: URL, origin: string): boolean {
  if (mode === 'navigate') return URL.canParse(referrer) && new URL(referrer).origin === origin
  return mode !== 'no-cors' || url.origin === origin
}
