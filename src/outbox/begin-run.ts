import { PROTOCOL_VERSION } from '../protocol/messages.ts'
import { changeQueue } from './change-queue.ts'
import type { DrainOptions, DrainPorts, RunParts } from './drain-run.ts'
import { followLink, LINK_KEY } from './follow-link.ts'
import { METRICS_KEY, metricsOf } from './metrics.ts'
import { parsePaceState } from './pace/pace-state.ts'
import { recover } from './recover.ts'
import { noHandler, outdated } from './refuse-run.ts'
import { createRunAuth } from './run-auth.ts'
import { createRunPace, PACE_KEY, type PaceRecord } from './run-pace.ts'
import { DEFAULT_SETTINGS, SETTINGS_KEY, type Settings } from './settings.ts'

/** Puts the queue in order after whoever drained before, and reads by what this run works. */
export async function beginRun(
  { storage, now, random, handlers = {}, origin }: DrainPorts,
  { exclusive, eagerBefore }: DrainOptions,
  hasMore: (origin: string) => boolean,
): Promise<RunParts> {
  const begun = await changeQueue(
    storage,
    async queue => {
      const meta = queue.tx.objectStore('meta')
      const [stored, before, link, metrics] = await Promise.all([
        meta.get(SETTINGS_KEY) as Promise<Partial<Settings> | undefined>,
        meta.get(PACE_KEY) as Promise<PaceRecord | undefined>,
        meta.get(LINK_KEY) as Promise<unknown>,
        meta.get(METRICS_KEY) as Promise<unknown>,
      ])
      if (Number(stored?.version) > PROTOCOL_VERSION) return undefined
      const leaseEndsAt = await recover(queue, {
        now: now(),
        random,
        exclusive,
        eagerBefore,
        lastDrainAt: before?.at ?? 0,
      })
      // A page that is older than this code knows fewer of them.
      const settings = { ...DEFAULT_SETTINGS, ...stored }
      settings.pace = followLink({ ...DEFAULT_SETTINGS.pace, ...settings.pace }, link, now())
      return { settings, before, metrics, leaseEndsAt }
    },
    { durability: 'relaxed' },
  )
  // Not in the transaction, where it would be taken for a failure of the storage.
  if (!begun) throw outdated()
  const { settings, before, metrics, leaseEndsAt } = begun
  for (const [kind, name, known] of [
    ['auth', settings.auth, handlers.auth],
    ['judges', settings.judge, handlers.judges],
  ] as const) {
    if (name !== undefined && !Object.hasOwn(known ?? {}, name)) throw noHandler(kind, name)
  }
  const { auth, judge } = settings
  return {
    settings,
    auth: createRunAuth(auth === undefined ? undefined : handlers.auth?.[auth], origin),
    metrics: metricsOf(metrics, now()),
    turns: before?.turns ?? 0,
    leaseEndsAt,
    mayHaveOldAnswers: periodOf(before?.at ?? 0, settings) !== periodOf(now(), settings),
    judgeOwn: judge === undefined ? undefined : handlers.judges?.[judge],
    pace: createRunPace({
      settings: settings.pace,
      state: parsePaceState(before?.state),
      now,
      random,
      eagerBefore,
      hasMore,
    }),
  }
}

/** Old answers are looked for so often that none is kept for much longer than it should be: each hour for a day. */
function periodOf(at: number, { answers }: Settings): number {
  return Math.floor((at * 24) / answers.keepMs)
}
