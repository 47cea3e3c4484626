import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'

/** A write as it came over the wire. */
export interface Arrival {
  url: string
  key: string
  json: unknown
}

export type Answer = (arrival: Arrival, response: ServerResponse) => unknown

/** A page that is not the app's when it is asked for under another origin. */
export const ELSEWHERE = '/elsewhere'

/** Serves the small app, and notes the writes that arrive. */
export interface AppServer {
  port: number
  /** Every arrival, in order, the repeated ones too. */
  arrivals: Arrival[]
  /** When the worker last showed that it runs; see `site.ts`. Milliseconds since the epoch. */
  lastBeat(): number
  /** Answers every write from now on; the default is 200 with `{ "ok": true }`. */
  answer(by: Answer): void
  /** From now on a GET of this path is answered with that text. */
  give(path: string, text: string): void
  /** From now on a GET of this path is answered when that promise resolves. */
  hold(path: string, until: Promise<unknown>): void
  close(): void
}

export async function startAppServer(site: string): Promise<AppServer> {
  const arrivals: Arrival[] = []
  let answer: Answer = ok
  let lastBeat = 0
  const given = new Map<string, string>()
  const held = new Map<string, Promise<unknown>>()
  const server = createServer(async (request, response) => {
    // A browser may send a request again by itself where a kept connection breaks. The tests are about Holdfast doing so.
    response.setHeader('Connection', 'close')
    if (request.url === '/beat') {
      lastBeat = Date.now()
      return response.end()
    }
    if (request.url === ELSEWHERE)
      return response.setHeader('Content-Type', 'text/html').end('<title>Elsewhere</title>')
    await held.get(request.url ?? '')
    const text = given.get(request.url ?? '')
    if (request.method === 'GET' && text !== undefined) return response.end(text)
    // HEAD asks whether the server is in reach.
    if (request.method === 'GET' || request.method === 'HEAD') return serve(site, request, response)
    const arrival = await arrivalOf(request)
    arrivals.push(arrival)
    await answer(arrival, response)
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return {
    port: (server.address() as AddressInfo).port,
    arrivals,
    lastBeat: () => lastBeat,
    answer: by => {
      answer = by
    },
    give: (path, text) => void given.set(path, text),
    hold: (path, until) => void held.set(path, until),
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

export const ok: Answer = (_arrival, response) => {
  response.setHeader('Content-Type', 'application/json').end('{"ok":true}')
}

const TYPES: Record<string, string> = { '.js': 'text/javascript', '.html': 'text/html', '.svg': 'image/svg+xml' }

async function serve(site: string, { url = '/' }: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(url, 'http://localhost')
  const file = join(site, pathname === '/' ? 'index.html' : pathname)
  const content = await readFile(file).catch(() => undefined)
  response.statusCode = content ? 200 : 404
  response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream')
  // Only the precache may give the app when the server is gone.
  response.setHeader('Cache-Control', 'no-store').end(content ?? '')
}

async function arrivalOf(request: IncomingMessage): Promise<Arrival> {
  let text = ''
  for await (const chunk of request) text += chunk
  const { url = '', headers } = request
  return { url, key: String(headers['idempotency-key']), json: text === '' ? undefined : JSON.parse(text) }
}
