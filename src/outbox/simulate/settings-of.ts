import { DEFAULT_SETTINGS, type Settings } from '../settings.ts'
import type { Plan } from './plan.ts'
import { BATCH_ENDPOINT, ORIGINS } from './write-input.ts'

/** What the app of a plan chose. */
export function settingsOf({ environment }: Plan, batch: boolean): Settings {
  const { refresh, delayMs = 0, most = 6, answers } = environment
  return {
    ...DEFAULT_SETTINGS,
    pace: {
      ...DEFAULT_SETTINGS.pace,
      delayMs,
      concurrency: { min: 1, max: most },
      endpoint: batch ? BATCH_ENDPOINT : undefined,
    },
    key: { ...DEFAULT_SETTINGS.key, origins: [ORIGINS.keys] },
    ...(refresh !== undefined && { auth: 'session' }),
    ...(answers !== undefined && { answers: { ...DEFAULT_SETTINGS.answers, count: answers } }),
  }
}
