// The demo, as a program: npm start. Environment: PORT (4173; 0 for any), HOST (localhost), DATABASE_URL, DATA_DIR (./.data),
// SITE_DIR (the built demo).
import { join } from 'node:path'
import { type DemoServer, startDemoServer } from './app.ts'

const { PORT, HOST, DATABASE_URL, DATA_DIR, SITE_DIR } = process.env

try {
  const dataDir = DATA_DIR || './.data'
  const server = await startDemoServer({
    port: readPort(PORT || '4173'),
    host: HOST || undefined,
    databaseUrl: DATABASE_URL || undefined,
    dataDir,
    siteDir: SITE_DIR || join(import.meta.dirname, '../dist'),
  })
  endOnSignal(server)
  console.log(`Holdfast demo: ${server.url} (notes in ${DATABASE_URL ? 'PostgreSQL' : dataDir})`)
} catch (error) {
  fail(error)
}

function readPort(text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65535) return port
  throw new Error(`PORT is ${JSON.stringify(text)}. Set it to a number from 0 to 65535.`)
}

function endOnSignal(server: DemoServer): void {
  const end = () => {
    // Asked twice, or a database that does not let go: end all the same.
    process.once('SIGINT', () => process.exit(1))
    setTimeout(() => process.exit(1), 8000).unref()
    server.close().then(() => process.exit(0), fail)
  }
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
}

function fail(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error)
  console.error(message.replaceAll('\n', ' '))
  process.exit(1)
}
