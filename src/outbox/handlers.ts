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
