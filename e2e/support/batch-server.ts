import type { HoldfastFixtures } from 'holdfast/playwright'
import { createSyncServer, problem, type Routes, type SyncServer } from 'holdfast/server'
import { withDatabase } from './database.ts'
import { type Answer, type NotingServer, test as smallApp } from './small-app.ts'

export { expect, pageWith } from './small-app.ts'

/** A server with `/api/numbers` and, for several of them, `/api/batch`. */
export interface NumbersServer {
  /** The numbers that were added, in their order. Asked from outside of the browser. */
  numbers(): Promise<number[]>
}

/** The small app before a server of `holdfast/server`, with its real database. Numbers below 0 are refused. */
export const test = smallApp.extend<HoldfastFixtures & { app: NotingServer; server: NumbersServer }>({
  server: async ({ app }, use) => {
    await withDatabase(process.env.DATABASE_URL, async url => {
      const server = createSyncServer({
        database: { url },
        tables: ['create table if not exists numbers (place serial, number integer not null)'],
        batch: '/api/batch',
        routes,
      })
      await server.ready()
      app.answer(through(server, app.url))
      await use({ numbers: () => readNumbers(server, app.url) })
      await server.close()
    })
  },
})

function routes(routes: Routes): void {
  routes.read('GET', '/api/numbers', async ({ db }) => {
    return { status: 200, json: await db.query('select number from numbers order by place') }
  })
  routes.write('POST', '/api/numbers', async ({ json, tx }) => {
    const { number } = json() as { number: number }
    if (number < 0) return problem(422, { title: 'Too small' })
    await tx.query('insert into numbers (number) values ($1)', [number])
    return { status: 201, json: { number } }
  })
}

function through(server: SyncServer, origin: string): Answer {
  return async ({ method, url, headers, body }, response) => {
    const fields = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)])
    const request = new Request(new URL(url, origin), { method, headers: fields, body: new Uint8Array(body) })
    const answer = await server.fetch(request)
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()))
  }
}

async function readNumbers(server: SyncServer, origin: string): Promise<number[]> {
  const answer = await server.fetch(new Request(new URL('/api/numbers', origin)))
  return ((await answer.json()) as { number: number }[]).map(({ number }) => number)
}
