import { fork } from 'node:child_process'

/** The server of a bench, in a process of its own, so that it shares no event loop with what drives the browser. */
export interface BenchServer {
  origin: string
  stop(): void
}

/** Serves the built files of that folder, and takes writes: see `server-process.ts`. */
export async function startServer(site: string): Promise<BenchServer> {
  const child = fork(new URL('./server-process.ts', import.meta.url), [site])
  const port = await new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('exit', code => reject(new Error(`The server of the bench ended with ${code}.`)))
  })
  return { origin: `http://localhost:${port}`, stop: () => child.kill() }
}

/** What came to the server in one run. */
export interface Ledger {
  /** HTTP requests: a batch is one. */
  requests: number
  /** Writes, and how many different ones. */
  writes: number
  distinct: number
}

export async function readLedger(origin: string, run: string): Promise<Ledger> {
  const response = await fetch(`${origin}/ledger?run=${run}`)
  return (await response.json()) as Ledger
}
