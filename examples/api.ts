import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Plugin } from 'vite'
import type { Item } from './shown-items.ts'

interface Answer {
  status: number
  json: unknown
}

const LONGEST_TEXT = 60

/**
 * The server of all examples, in `vite` and in `vite preview`: `GET` and `POST` of `/api/items`, and `PUT` of one of them.
 * The items are gone when it ends. It does each write once, and that is all that Holdfast asks of a server.
 */
export function itemsApi(): Plugin {
  const answer = createApi()
  return {
    name: 'items-api',
    configureServer: ({ middlewares }) => void middlewares.use('/api/items', answer),
    configurePreviewServer: ({ middlewares }) => void middlewares.use('/api/items', answer),
  }
}

function createApi() {
  const items: Item[] = []
  const answers = new Map<string, Answer>()

  function write({ method, url = '/' }: IncomingMessage, item: Item): Answer {
    if (item.text.length > LONGEST_TEXT) {
      const detail = `It has ${item.text.length} characters, and ${LONGEST_TEXT} fit.`
      return { status: 422, json: { title: 'Too long', detail } }
    }
    if (method === 'POST') {
      items.push(item)
      return { status: 201, json: item }
    }
    const at = items.findIndex(({ id }) => url === `/${id}`)
    if (at < 0) return { status: 404, json: { title: 'No such item', detail: 'It was never added.' } }
    items[at] = item
    return { status: 200, json: item }
  }

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'GET') return send(response, { status: 200, json: items })
    const item: Item = JSON.parse(await textOf(request))
    // A write whose answer was lost comes again, under the same key.
    const key = String(request.headers['idempotency-key'])
    const answer = answers.get(key) ?? write(request, item)
    if (answer.status < 400 && 'idempotency-key' in request.headers) answers.set(key, answer)
    send(response, answer)
  }
}

function send(response: ServerResponse, { status, json }: Answer): void {
  const type = status < 400 ? 'application/json' : 'application/problem+json'
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(JSON.stringify(json))
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}
