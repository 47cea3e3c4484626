import { wrap } from 'idb'
import { createAppend } from '../src/outbox/append.ts'
import type { Handlers } from '../src/outbox/handlers.ts'
import { browserPlatform, type Platform } from '../src/outbox/platform.ts'
import { type CaptureRule, createCaptureMatcher } from '../src/protocol/capture.ts'
import { HoldfastError } from '../src/protocol/errors.ts'
import { namesOf } from '../src/protocol/names.ts'
import { isDelivery } from '../src/protocol/own-request.ts'
import { openStorage, type Storage } from '../src/storage/open-storage.ts'
import { createChannel } from '../src/tabs/channel.ts'
import { askedFor, stateOf } from './capture-answer.ts'
import { answerWrite } from './capture-one.ts'
import { createTurns } from './capture-turns.ts'
import { createRun } from './replay.ts'
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
 * added: it answers what it keeps, and the questions how a write stands, and leaves everything else to them.
 *
 * Throws a `HoldfastError` of code `invalid-options` where a rule names a handler that there is none of.
 */
export function startCapture({
  rules,
  name,
  handlers,
  scope = globalThis as unknown as ServiceWorkerGlobalScope,
  platform = browserPlatform(),
}: CaptureOptions): void {
  assertHandlers(rules, handlers)
  const names = namesOf(name)
  const channel = createChannel(names.channel)
  const { run, isDue } = createRun(names, platform, handlers)
  const open = createOpen(names.database)
  const registerTag = createTagRegistration(scope.registration, names.syncTagPrefix, channel)
  const ruleFor = createRuleFinder(rules, platform.origin)
  const takeTurn = createTurns()
  const warn = createWarnOnce()
  const { scope: base } = scope.registration

  async function wakeUp(ids: string[], ended: string[]): Promise<void> {
    channel.post('appended', { ids })
    if (ended.length > 0) channel.post('settled', { ids: ended })
    await Promise.all([registerTag(), run({ budgetMs: EVENT_BUDGET_MS, eager: false }).catch(() => undefined)])
  }

  scope.addEventListener('fetch', event => {
    const { request } = event
    const id = askedFor(request, base)
    if (id !== undefined) {
      event.stopImmediatePropagation()
      event.respondWith(open().then(({ storage }) => stateOf(id, storage, channel, platform.now)))
      return
    }
    const rule = ruleFor(request)
    if (rule) {
      const turn = takeTurn()
      const onStored = (ids: string[], ended: string[]) => event.waitUntil(wakeUp(ids, ended))
      event.respondWith(answerWrite(request, { rule, turn, open, handlers, platform, scope: base, onStored, warn }))
    } else if (isDue()) event.waitUntil(run({ budgetMs: EVENT_BUDGET_MS, eager: false }).catch(() => undefined))
  })
}

/** Opens the database once; a failure is not for ever: the next write tries again. */
function createOpen(name: string) {
  let opening: Promise<{ storage: Storage; append: ReturnType<typeof createAppend> }> | undefined
  return () => {
    opening ??= openStorage({ name, loadWrap: () => wrap }).then(storage => ({
      storage,
      append: createAppend(storage),
    }))
    opening.catch(() => {
      opening = undefined
    })
    return opening
  }
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

function assertHandlers(rules: readonly CaptureRule[], { captures = {} }: Handlers = {}): void {
  const unknown = rules.find(({ handler }) => handler !== undefined && !Object.hasOwn(captures, handler))
  if (unknown === undefined) return
  throw new HoldfastError({
    code: 'invalid-options',
    action: 'keep the writes of the app',
    reason: `there is no "${unknown.handler}" among handlers.captures`,
    hint: 'Give the worker the module that has it, with the option handlers.',
  })
}
