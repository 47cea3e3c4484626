import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base, type HoldfastFixtures } from 'holdfast/playwright'
import { startDemoServer } from '../../demo/server/app.ts'
import { withDatabase } from './database.ts'

export { expect } from 'holdfast/playwright'

export interface Note {
  id: string
  text: string
}

/** One request that reached the server, whatever was answered. */
export interface SeenRequest {
  method: string
  path: string
  key: string | null
}

export type Intercept = (request: Request, next: () => Promise<Response>) => Promise<Response>

/** The demo's own server, with its real database, for one test. */
export interface DemoServer {
  url: string
  /** The notes that the server has, in the order in which it applied them. Asked from outside of the browser. */
  notes(): Promise<Note[]>
  /** Requests that change something, in the order of their arrival. */
  writes: SeenRequest[]
  /** Ends the server: connections are refused. */
  stop(): Promise<void>
  /** Starts it again, at the same address and on the same data. */
  start(): Promise<void>
  /** Puts something between the network and the server: answers of its own, delays, answers that are never given. */
  intercept(by: Intercept): void
}

export const test = base.extend<{ server: DemoServer } & HoldfastFixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures from the pattern.
  server: async ({}, use) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-e2e-'))
    await withDatabase(process.env.DATABASE_URL, async databaseUrl => {
      const control = createControl()
      const siteDir = join(import.meta.dirname, '../../demo/dist')
      const options = { databaseUrl, dataDir, siteDir, intercept: control.handle }
      let running = await startDemoServer({ ...options, port: 0 })
      const { url, port } = running
      await use({
        url,
        notes: () => readNotes(url),
        stop: () => running.close(),
        start: async () => {
          running = await startDemoServer({ ...options, port })
        },
        ...control,
      })
      control.intercept((_request, next) => next())
      await running.close()
    })
    await rm(dataDir, { recursive: true, force: true })
  },
  baseURL: ({ server }, use) => use(server.url),
})

function createControl() {
  const writes: SeenRequest[] = []
  let current: Intercept = (_request, next) => next()
  return {
    writes,
    intercept(by: Intercept) {
      current = by
    },
    handle(request: Request, next: () => Promise<Response>): Promise<Response> {
      const { pathname } = new URL(request.url)
      if (!pathname.startsWith('/api/') || request.method === 'GET') return next()
      writes.push({ method: request.method, path: pathname, key: request.headers.get('idempotency-key') })
      return current(request, next)
    },
  }
}

async function readNotes(url: string): Promise<Note[]> {
  const response = await fetch(new URL('/api/notes', url))
  return (await response.json()) as Note[]
}
