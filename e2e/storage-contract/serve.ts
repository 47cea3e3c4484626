import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { holdfast } from '../../src/vite/index.ts'

export interface ContractServer {
  origin: string
  close(): void
}

/** Serves a page and workers that run the contract of the storage, in whatever browser opens it. */
export async function serveContract(): Promise<ContractServer> {
  const scripts = new Map([
    ['/page.js', await bundle('page')],
    ['/worker.js', await bundle('worker')],
    ['/plugin-worker.js', await buildByPlugin()],
  ])
  const server = createServer(({ url = '/' }, response) => {
    const script = scripts.get(url)
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html')
    response.end(script ?? '<!doctype html><title>storage</title><script src="/page.js"></script>')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** One classic script, as a service worker has to be. */
async function bundle(name: 'page' | 'worker'): Promise<string> {
  const entry = fileURLToPath(new URL(`./${name}.ts`, import.meta.url))
  const built = await build({
    configFile: false,
    logLevel: 'warn',
    define: { 'process.env.NODE_ENV': '"production"' },
    build: { write: false, minify: false, lib: { entry, name: 'bundle', formats: ['iife'], fileName: name } },
  })
  const [output] = Array.isArray(built) ? built : [built]
  if (!output || !('output' in output)) throw new Error(`${name} was not built`)
  return output.output[0].code
}

async function buildByPlugin(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-contract-'))
  const worker = fileURLToPath(new URL('./worker.ts', import.meta.url))
  await writeFile(join(root, 'index.html'), '<!doctype html><title>Empty</title>')
  await build({ root, configFile: false, logLevel: 'warn', plugins: [holdfast({ worker, register: false })] })
  const code = await readFile(join(root, 'dist/sw.js'), 'utf8')
  await rm(root, { recursive: true })
  return code
}
