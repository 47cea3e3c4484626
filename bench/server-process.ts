/**
 * The server that the benches talk to. It serves the files of a folder, and takes two kinds of writes:
 *
 * - `POST /api/notes?run=a&delay=20`: one note, answered after so many milliseconds.
 * - `POST /api/batch`: many in the shape of docs/batch-endpoint.md, answered together after the longest of their delays.
 *
 * It counts what came in each run (`GET /ledger?run=a`), and does nothing else: the cost of a real server would be the
 * same for every contender, and hide what lies between them.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ledger } from './server.ts'

const BATCH_TYPE = 'application/vnd.holdfast.batch+json'
const TYPES: Record<string, string> = { '.js': 'text/javascript', '.html': 'text/html' }
const [site = '.'] = process.argv.slice(2)
const runs = new Map<string, { requests: number; ids: string[] }>()

const server = createServer((request, response) => {
  handle(request, response).catch(error => response.writeHead(500).end(String(error)))
})
server.listen(0, 'localhost', () => process.send?.((server.address() as AddressInfo).port))

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  if (url.pathname === '/api/notes') return takeOne(url, await readJson(request), response)
  if (url.pathname === '/api/batch') return takeBatch(await readJson(request), response)
  if (url.pathname === '/ledger') return answer(response, 200, ledgerOf(url))
  await sendFile(url.pathname === '/' ? '/index.html' : url.pathname, response)
}

async function takeOne(url: URL, { id }: { id: string }, response: ServerResponse): Promise<void> {
  runOf(url).requests += 1
  runOf(url).ids.push(id)
  await wait(delayOf(url))
  answer(response, 201, { id })
}

interface Batch {
  requests: { id: string; url: string; body: { json: { id: string } } | { text: string } }[]
}

async function takeBatch({ requests }: Batch, response: ServerResponse): Promise<void> {
  const urls = requests.map(({ url }) => new URL(url, 'http://localhost'))
  for (const run of new Set(urls.map(runOf))) run.requests += 1
  const answers = requests.map(({ id, body }, index) => {
    const note = 'json' in body ? body.json : (JSON.parse(body.text) as { id: string })
    const url = urls[index]
    if (url) runOf(url).ids.push(note.id)
    const headers = { 'content-type': 'application/json' }
    return { id, status: 201, headers, body: { kind: 'json', json: { id: note.id } } }
  })
  await wait(Math.max(0, ...urls.map(delayOf)))
  answer(response, 200, { version: 1, answers }, BATCH_TYPE)
}

function runOf(url: URL): { requests: number; ids: string[] } {
  const name = url.searchParams.get('run') ?? ''
  const run = runs.get(name) ?? { requests: 0, ids: [] }
  runs.set(name, run)
  return run
}

function delayOf(url: URL): number {
  return Number(url.searchParams.get('delay') ?? 0)
}

/** A timer of 0 ms would take one. */
async function wait(delayMs: number): Promise<void> {
  if (delayMs > 0) await sleep(delayMs)
}

function ledgerOf(url: URL): Ledger {
  const { requests, ids } = runOf(url)
  return { requests, writes: ids.length, distinct: new Set(ids).size }
}

function answer(response: ServerResponse, status: number, json: unknown, type = 'application/json'): void {
  response.writeHead(status, { 'Content-Type': type }).end(JSON.stringify(json))
}

async function readJson<T>(request: IncomingMessage): Promise<T> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString()) as T
}

async function sendFile(path: string, response: ServerResponse): Promise<void> {
  const content = await readFile(join(site, path)).catch(() => undefined)
  response.statusCode = content ? 200 : 404
  // Isolated, the page's clock has steps of 5 µs instead of 100 µs.
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
  response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
  response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream').end(content ?? '')
}
