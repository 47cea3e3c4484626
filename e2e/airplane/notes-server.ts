import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { text } from 'node:stream/consumers'

export interface Note {
  entity: string
  text: string
}

/** A request to add a note. */
export interface Arrival extends Note {
  key: string
  /** The page or the worker that sent it. */
  sender: string
}

/** The app's files, and `POST /api/notes`, which does for one `Idempotency-Key` one thing once. */
export interface NotesServer {
  origin: string
  arrivals: Arrival[]
  /** The notes that the server has, in the order in which it got them. */
  notes: Note[]
  /** Does what the next request asks for, and answers it only when it is told to. It comes on a new connection. */
  holdAnswer(): HeldAnswer
  close(): void
}

export interface HeldAnswer {
  /** Whether the request has come and was done. */
  isDone(): boolean
  /** Answers, and ends the connection at once: what the network does not deliver now is never delivered. */
  answerOnceOnly(): void
}

export async function startNotesServer(address: string, site: string): Promise<NotesServer> {
  const arrivals: Arrival[] = []
  const notes = new Map<string, Note>()
  let hold: ((response: ServerResponse) => void) | undefined
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const arrival = await arrivalOf(request)
    arrivals.push(arrival)
    if (!notes.has(arrival.key)) notes.set(arrival.key, { entity: arrival.entity, text: arrival.text })
    if (!hold) return void response.writeHead(201).end()
    hold(response)
    hold = undefined
  }
  const server = createServer((request, response) => {
    const answering = request.method === 'POST' ? take(request, response) : serveFile(site, request, response)
    // A request that breaks off half-way has no answer.
    answering.catch(() => response.destroy())
  })
  server.listen(0, address)
  await once(server, 'listening')
  return {
    origin: `http://${address}:${(server.address() as AddressInfo).port}`,
    arrivals,
    get notes() {
      return [...notes.values()]
    },
    holdAnswer() {
      // A browser sends again by itself what breaks on a connection that it has used before.
      server.closeIdleConnections()
      let held: ServerResponse | undefined
      hold = response => {
        held = response
      }
      return {
        isDone: () => held !== undefined,
        answerOnceOnly() {
          held?.writeHead(201).end()
          held?.socket?.resetAndDestroy()
        },
      }
    },
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function arrivalOf(request: IncomingMessage): Promise<Arrival> {
  const { headers } = request
  const note = JSON.parse(await text(request)) as Note
  return { ...note, key: String(headers['idempotency-key']), sender: headers.referer ?? '' }
}

const TYPES: Record<string, string> = { '.js': 'text/javascript', '.html': 'text/html' }

async function serveFile(site: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  const file = join(site, pathname === '/' ? 'index.html' : pathname)
  const content = await readFile(file).catch(() => undefined)
  response.statusCode = content ? 200 : 404
  response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream').end(content ?? '')
}
