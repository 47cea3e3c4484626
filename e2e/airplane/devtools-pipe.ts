import type { ChildProcess } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

/** The browser's DevTools protocol over two pipes: no network is needed to talk to a browser that has none. */
export interface Devtools {
  /** Rejects when the browser refuses, and when it ends before it has answered. */
  send<T = unknown>(method: string, params?: object, sessionId?: string): Promise<T>
  /** Hears every event. */
  onEvent(fn: (event: DevtoolsEvent) => void): void
}

export interface DevtoolsEvent {
  method: string
  params: Record<string, unknown>
}

/** For a browser that was started with `--remote-debugging-pipe`: it reads from its file descriptor 3 and writes to 4. */
export function openDevtools(browser: ChildProcess): Devtools {
  const [, , , toBrowser, fromBrowser] = browser.stdio as [unknown, unknown, unknown, Writable, Readable]
  const waiting = new Map<number, Waiting>()
  const listeners: ((event: DevtoolsEvent) => void)[] = []
  let sent = 0

  eachMessage(fromBrowser, message => {
    if (message.id === undefined) for (const fn of listeners) fn(message as DevtoolsEvent)
    else answer(waiting, message.id, message)
  })
  // A browser that is killed breaks the pipe; whoever waits hears of it below.
  toBrowser.on('error', () => undefined)
  browser.once('exit', () => {
    for (const id of waiting.keys()) answer(waiting, id, { error: { message: ENDED } })
  })

  return {
    send: async <T>(method: string, params: object = {}, sessionId?: string) => {
      sent += 1
      const id = sent
      if (browser.exitCode !== null || browser.signalCode !== null) throw new Error(`${method}: ${ENDED}`)
      toBrowser.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
      return new Promise<T>((resolve, reject) => {
        waiting.set(id, { method, resolve: result => resolve(result as T), reject })
      })
    },
    onEvent: fn => void listeners.push(fn),
  }
}

const ENDED = 'The browser has ended.'

interface Message extends Partial<DevtoolsEvent> {
  id?: number
  result?: unknown
  error?: { message: string }
}

interface Waiting {
  method: string
  resolve: (result: unknown) => void
  reject: (error: Error) => void
}

function answer(waiting: Map<number, Waiting>, id: number, { result, error }: Message): void {
  const { method, resolve, reject } = waiting.get(id) ?? {}
  waiting.delete(id)
  if (error) reject?.(new Error(`${method}: ${error.message}`))
  else resolve?.(result)
}

/** Each message has a zero byte behind it. */
function eachMessage(stream: Readable, fn: (message: Message) => void): void {
  let rest = ''
  stream.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\0')
    rest = parts.pop() ?? ''
    for (const part of parts) fn(JSON.parse(part))
  })
}
