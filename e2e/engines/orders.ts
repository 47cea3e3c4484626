import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Where a page that nobody drives fetches what it shall do. */
export interface Orders {
  url: string
  /** Has the page call a function; gives what it gives. */
  give<Args extends unknown[], Result>(fn: (...args: Args) => Result, args: Args): Promise<Awaited<Result>>
  end(): void
}

interface Answered {
  value?: unknown
  error?: string
}

export async function startOrders(): Promise<Orders> {
  let waiting: ServerResponse | undefined
  let order: string | undefined
  let onAnswer: (answer: Answered) => void = () => undefined
  const hand = () => {
    if (order === undefined || !waiting || waiting.destroyed) return
    waiting.end(order)
    order = undefined
    waiting = undefined
  }
  const server = createServer(async (request, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*')
    if (request.method === 'GET') {
      waiting = response
      return hand()
    }
    let text = ''
    for await (const chunk of request) text += chunk
    response.end()
    onAnswer(JSON.parse(text))
  })
  await new Promise<void>(done => server.listen(0, 'localhost', done))
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    give: (fn, args) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`The page took longer than 30 s for ${fn}`)), 30_000)
        onAnswer = ({ value, error }) => {
          clearTimeout(late)
          error === undefined ? resolve(value as never) : reject(new Error(error))
        }
        order = `return (${fn})(...${JSON.stringify(args)})`
        hand()
      }),
    end() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** The page's side, as a script. An order of the same page comes when the last one is done. */
export const TAKE_ORDERS = `
const url = new URLSearchParams(location.search).get('orders')
const run = async text => {
  try {
    return { value: await new Function(text)() }
  } catch (error) {
    return { error: String(error?.message ?? error) }
  }
}
while (url) {
  const order = await fetch(url).then(response => response.text(), () => '')
  if (order) await fetch(url, { method: 'POST', body: JSON.stringify(await run(order)) })
  else await new Promise(resolve => setTimeout(resolve, 100))
}
`
