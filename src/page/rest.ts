import { writeCoalescing } from '../outbox/append-coalescing.ts'
import { createDeadLetters, type DeadLetters, type DeadLettersPorts } from '../outbox/dead-letters.ts'
import { type DrainForPorts, drainFor } from '../outbox/drain-for.ts'
import { createOutbox, type Outbox, type OutboxPorts } from '../outbox/outbox.ts'
import { browserPlatform, type Platform } from '../outbox/platform.ts'
import { refuseInput, withRareTerms } from '../outbox/rare-input.ts'
import { readMetrics, type SyncMetrics } from '../outbox/sync-metrics.ts'
import type { DrainResult } from '../protocol/messages.ts'
import { namesOf } from '../protocol/names.ts'
import { deliveryAddress } from '../protocol/own-request.ts'
import { askWorker } from './ask-worker.ts'
import type { ConnectionInfo } from './connectivity/link-state.ts'
import { type ConnectivityOptions, checkProbeOption, type Probe } from './connectivity/probe.ts'
import { type LivePorts, startLive } from './live.ts'
import { registerPeriodicSync } from './periodic-sync.ts'
import { shareRuns } from './share-runs.ts'
import type { Wake } from './wake.ts'
import type { WorkerLink } from './worker-link.ts'

export interface RestPorts
  extends OutboxPorts,
    DeadLettersPorts,
    Pick<LivePorts, 'store' | 'isOnline' | 'lane' | 'limits' | 'receipts' | 'user' | 'channel' | 'name'> {
  drainPorts: () => Promise<Omit<DrainForPorts, keyof Platform>>
  link: WorkerLink
  wake: Wake
  signal: AbortSignal
  connectivity: ConnectivityOptions | undefined
  /** Where there is one. */
  workerUrl: string | undefined
}

/** What a page needs only later, or never. */
export interface Rest {
  outbox: Outbox
  deadLetters: DeadLetters
  metrics(): Promise<SyncMetrics>
  /** What only some writes need. */
  refuseInput: typeof refuseInput
  withRareTerms: typeof withRareTerms
  writeCoalescing: typeof writeCoalescing
  /** For a page without a worker: has the leading tab drain, which may be this one. */
  drainHere(eager: boolean): Promise<unknown>
  /** Has the worker drain, or else this page, and resolves when nothing more is due. */
  sync(): Promise<DrainResult>
}

/** Begins what goes on while the page is open, and gives what the page may ask for. */
export function createRest(ports: RestPorts): Rest {
  const { link, name, signal, open } = ports
  const platform = browserPlatform()
  // Under a worker that keeps writes this is how it tells these from those of the app.
  const deliver: typeof fetch = (url, init) => platform.fetch(deliveryAddress(String(url)), init)
  let sending = new AbortController()

  /** Until nothing more is due; the page's timer comes again for what will be. */
  async function drainOnce(eager: boolean): Promise<DrainResult> {
    const until = AbortSignal.any([signal, sending.signal])
    // A page that is put away begins nothing that it could not end.
    until.throwIfAborted()
    const drainPorts = { ...platform, fetch: deliver, ...(await ports.drainPorts()), signal: until }
    return drainFor(drainPorts, { budgetMs: BUDGET_MS, eager, once: true })
  }

  // Longer than any run takes that does not hang.
  const drain = shareRuns({ run: drainOnce, sleep: platform.sleep, patienceMs: BUDGET_MS + 10_000 })

  async function sync(): Promise<DrainResult> {
    const worker = (await link.soon())?.active
    const result = worker ? await askWorker(worker, { name, signal, eager: true }) : 'silent'
    return result === 'silent' ? drain(true) : result
  }

  /** A worker that says that it cannot, or that says nothing more, is taken over like one that is silent. */
  async function attend(eager: boolean): Promise<DrainResult> {
    const worker = (await link.soon())?.active
    const result = worker ? await askWorker(worker, { name, signal, eager }).catch(() => 'silent' as const) : 'silent'
    return result === 'silent' ? drain(eager) : result
  }

  function live() {
    return startLive({
      ...platform,
      ...ports,
      probe: probeOf(ports),
      workerReady: link.ready,
      connection: () => (navigator as { connection?: ConnectionInfo }).connection,
      monotonic: () => performance.now(),
      window,
      document,
      attend,
      drain,
      stopDraining: () => sending.abort(),
      allowDraining() {
        if (sending.signal.aborted) sending = new AbortController()
      },
    })
  }

  const comeNowAndThen = (found?: ServiceWorkerRegistration) =>
    found && registerPeriodicSync(found, `${namesOf(name).syncTagPrefix}periodic`)
  link.ready.then(comeNowAndThen).catch(() => undefined)
  const { leavesToLeader } = signal.aborted ? { leavesToLeader: () => false } : live()
  return {
    outbox: createOutbox(ports),
    deadLetters: createDeadLetters(ports),
    metrics: async () => readMetrics(await open()),
    refuseInput,
    withRareTerms,
    writeCoalescing,
    async drainHere(eager) {
      if (!leavesToLeader(eager)) await drain(eager)
    },
    sync,
  }
}

/** What is wrong with it is said, and keeps nothing else from being begun. */
function probeOf({ connectivity, workerUrl }: RestPorts): Probe | undefined {
  try {
    return checkProbeOption(connectivity, document.baseURI, workerUrl)
  } catch (error) {
    reportError(error)
    return checkProbeOption(undefined, document.baseURI, workerUrl)
  }
}

/** A drain in a page is bound to no event; this long it goes on before it looks anew. */
const BUDGET_MS = 120_000
