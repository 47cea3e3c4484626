import type { Judge } from './own-judge.ts'

/**
 * The app's own functions, by name: a module of them is imported by the page and by the worker, since a worker cannot
 * call into a page that is closed.
 *
 * @example
 * // src/handlers.ts
 * export const handlers: Handlers = {
 *   auth: { session: { headers: async () => ({ authorization: `Bearer ${await readToken()}` }) } },
 *   judges: { api: ({ status }) => (status === 404 ? { kind: 'confirmed' } : undefined) },
 * }
 */
export interface Handlers {
  auth?: Record<string, AuthProvider>
  judges?: Record<string, Judge>
  /** For the worker, see `queue`: what is to hold for a write that it may have to keep. */
  captures?: Record<string, CaptureHandler>
}

/**
 * Says what holds for a write of the app that the worker may have to keep, before the write is sent. What it leaves out is
 * as the rule says. `false`: the worker leaves this write alone, and so it does where the function throws.
 *
 * @example
 * const captures = { note: ({ url }: CapturedWrite) => ({ entity: `note:${url.pathname.split('/')[3]}` }) }
 */
export type CaptureHandler = (write: CapturedWrite) => CaptureTerms | false | undefined

export interface CaptureTerms {
  entity?: string
  priority?: number
  coalesce?: false | 'replace' | 'merge'
  meta?: Record<string, unknown>
}

/** A write of the app, as a handler sees it. */
export interface CapturedWrite {
  url: URL
  method: string
  headers: Headers
  bytes: ArrayBuffer
  /** The body, where it is JSON; else undefined. */
  json(): unknown
}

/** Says who sends, each time something is sent. What it gives is never stored. */
export interface AuthProvider {
  /** Headers to add to a request. Where it throws, nothing is sent, and it is tried again later at no cost. */
  headers(request: AuthRequest): HeadersInit | undefined | Promise<HeadersInit | undefined>
  /**
   * Asked once when the server answers 401. True: the headers are new, and the request is sent again with them. Anything
   * else, or a throw: the queue is held until `resume()`. Default: it is held.
   */
  refresh?(request: Pick<AuthRequest, 'principal'>): boolean | Promise<boolean>
  /** Other origins than the app's own that get these headers. Default: none. */
  origins?: string[]
}

export interface AuthRequest {
  url: string
  method: string
  /** Of the mutation; for a batch, of the first one. */
  id: string
  /** Whose it is, as given to `identify()`. */
  principal?: string
}
