import { PROTOCOL_VERSION } from '../protocol/messages.ts'
import type { ResolvedPace } from './pace/pace-options.ts'

/** The record of `meta` by which the worker knows how the app wants things sent: it may run when no page does. */
export const SETTINGS_KEY = 'settings'

/** What the app chose in the page, for every context that sends. */
export interface Settings {
  /** Of the code that wrote this, see `PROTOCOL_VERSION`. */
  version: number
  pace: ResolvedPace
  /** The name of the auth provider among the handlers. */
  auth?: string
  /** The name of the app's own judge among the handlers. */
  judge?: string
  /** What 403 means: `hold` where signing in again may help. */
  forbidden: 'refused' | 'hold'
  key: KeySettings
  answers: AnswerLimits
}

/** How the idempotency key travels. */
export interface KeySettings {
  /** The name of the header. */
  header: string
  /** `quoted`: a String of RFC 9651, as in the draft. `bare`: the key alone. */
  form: 'quoted' | 'bare'
  /** Other origins than the app's own that let the header pass: an unknown one fails the CORS preflight. */
  origins: string[]
}

/** How long, how many and how much of the answers is kept for pages to read. */
export interface AnswerLimits {
  /** Milliseconds. */
  keepMs: number
  count: number
  /** Of their bodies, as JSON text. */
  bytes: number
}

export const DEFAULT_SETTINGS: Settings = {
  version: PROTOCOL_VERSION,
  pace: {
    batchSize: 10,
    delayMs: 0,
    concurrency: { min: 1, max: 6 },
    endpoint: undefined,
    onSlowLink: { batchSize: 5, concurrency: 2 },
  },
  forbidden: 'refused',
  key: { header: 'Idempotency-Key', form: 'quoted', origins: [] },
  answers: { keepMs: 24 * 60 * 60 * 1000, count: 10_000, bytes: 10 * 1024 * 1024 },
}
