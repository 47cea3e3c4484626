import type { Server } from 'node:http'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { createSyncServer, type SyncServer } from 'holdfast/server'
import { listen } from './listen.ts'
import { NOTES_TABLE, notesApi } from './notes-api.ts'
import { createSite } from './site.ts'

/** Stands between the network and the server. When it throws, the connection is cut without an answer. */
export type Intercept = (request: Request, next: () => Promise<Response>) => Promise<Response>

export interface DemoServerOptions {
  /** With 0, a free one is taken. */
  port: number
  /** Default `localhost`: this machine only. */
  host?: string
  /** A real PostgreSQL. Without it, an embedded one in `dataDir`, or in memory. */
  databaseUrl?: string
  dataDir?: string
  /** The folder with the built pages. */
  siteDir: string
  intercept?: Intercept
  /** How long `close()` waits for answers under way, in milliseconds. Default 2000. */
  graceMs?: number
}

export interface DemoServer {
  url: string
  port: number
  close(): Promise<void>
}

/** Starts the demo's server: the notes API and the built pages. Rejects with an Error of one clear line. */
export async function startDemoServer(options: DemoServerOptions): Promise<DemoServer> {
  const { port, host = 'localhost', databaseUrl, dataDir, siteDir, intercept, graceMs = 2000 } = options
  const site = createSite(siteDir)
  const database = databaseUrl === undefined ? { dataDir } : { url: databaseUrl }
  const sync = createSyncServer({ database, tables: [NOTES_TABLE], routes: notesApi })
  const answer = async (request: Request) => (isApi(request) ? sync.fetch(request) : site.fetch(request))
  try {
    await sync.ready()
    const listening = await listen(() => createHttpServer(answer, intercept), port, host)
    return {
      url: `http://${nameOf(host)}:${listening.port}`,
      port: listening.port,
      close: () => closeBoth(listening.close(graceMs), sync, graceMs),
    }
  } catch (error) {
    await sync.close()
    throw error
  }
}

function createHttpServer(answer: (request: Request) => Promise<Response>, intercept?: Intercept): Server {
  const fetch = async (request: Request, env: unknown) => {
    if (!intercept) return await answer(request)
    try {
      return await intercept(request, () => answer(request))
    } catch {
      ;(env as HttpBindings).incoming.socket.destroy()
      return RESPONSE_ALREADY_SENT
    }
  }
  return createAdaptorServer({ fetch }) as Server
}

// The network first, so that the last answers still get out. A handler that hangs does not hold the end for ever.
async function closeBoth(network: Promise<void>, sync: SyncServer, graceMs: number): Promise<void> {
  await network
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, graceMs)
  })
  await Promise.race([sync.close(), late])
  clearTimeout(timer)
}

function isApi(request: Request): boolean {
  const { pathname } = new URL(request.url)
  return pathname === '/api' || pathname.startsWith('/api/')
}

function nameOf(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}
