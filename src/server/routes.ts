import type { Answer } from './answer.ts'
import type { Queryable } from './database.ts'

/** What a request asks for, without its body. */
export interface RequestInfo {
  method: string
  url: URL
  headers: Headers
  /** What the `:names` in the path stand for. */
  params: Record<string, string>
}

export interface ReadContext extends RequestInfo {
  db: Queryable
}

export interface WriteContext extends RequestInfo {
  /** The body as it came. `json()`, `text()` and `form()` read it; a body that is not what they expect is answered 400. */
  body: Uint8Array<ArrayBuffer>
  json(): unknown
  text(): string
  form(): Promise<FormData>
  /** The transaction that holds the effect, the key and the answer together. What is done elsewhere may be done twice. */
  tx: Queryable
}

/** Where the routes of an application are registered. Paths are those of Hono: `/api/notes/:id`. */
export interface Routes {
  read(method: 'GET', path: string, handler: (context: ReadContext) => Promise<Answer> | Answer): void
  write(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    handler: (context: WriteContext) => Promise<Answer> | Answer,
  ): void
}

export type ReadHandler = Parameters<Routes['read']>[2]
export type WriteHandler = Parameters<Routes['write']>[2]
