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
  /** What is different on a slow link, and where the person has told the browser to spare data. */
  onSlowLink?: SlowLinkOptions
}

export interface SlowLinkOptions {
  /** Mutations in one request to `endpoint`, at most. Default: half of `batchSize`. */
  batchSize?: number
  /** Requests under way at once, at most. Default 2. */
  concurrency?: number
  /** What has a larger body than this many bytes waits for a better link. Default: nothing waits. */
  mostBytes?: number
}

export interface ResolvedPace {
  batchSize: number
  delayMs: number
  concurrency: { min: number; max: number }
  /** Absolute. */
  endpoint: string | undefined
  onSlowLink: { batchSize: number; concurrency: number; mostBytes?: number }
  /** Set for a run on a slow link: larger bodies wait. */
  mostBytes?: number
}
