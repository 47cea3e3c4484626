/** How fast the outbox sends. Every member has a default. */
export interface PaceOptions {
  /** How many mutations go into one request to `endpoint`, at most. Default 10. */
  batchSize?: number
  /** The rest between two requests to one origin, in milliseconds. Default 0. */
  delayMs?: number
  /**
   * How many requests may be under way at once towards one origin: within these bounds, as many as the server takes.
   * Defaults: 1 and 6, the connections that a browser opens to one HTTP/1.1 server. The same number twice fixes it.
   */
  concurrency?: { min?: number; max?: number }
  /** Where batches go, see docs/batch-endpoint.md. Default: none; every mutation is a request of its own. */
  endpoint?: string
}

export interface ResolvedPace {
  batchSize: number
  delayMs: number
  concurrency: { min: number; max: number }
  /** Absolute. */
  endpoint: string | undefined
}
