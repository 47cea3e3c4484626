import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { CHROMIUM_FLAGS, CHROMIUM_PATH } from '../../scripts/chromium.ts'
import { type Devtools, openDevtools } from './devtools-pipe.ts'
import { IP } from './network.ts'
import { until } from './until.ts'

/** A Chromium on the device. Nothing is ever attached to a service worker of it: that would keep the worker alive. */
export interface Chromium {
  /** Resolves when the address was asked for, whatever came of it. */
  openTab(url: string): Promise<Tab>
  /** Every tab that there is. */
  tabs(): Promise<string[]>
  onEvent: Devtools['onEvent']
  /** Ends every process of it at once. */
  kill(): Promise<void>
}

export interface Tab {
  /** Runs a function in the page. It can use its arguments and the page's globals, nothing else. */
  evaluate<A extends unknown[], T>(fn: (...args: A) => T, ...args: A): Promise<Awaited<T>>
  send<T = unknown>(method: string, params?: object): Promise<T>
  /** Resolves when it is gone. */
  close(): Promise<void>
}

export interface ChromiumOptions {
  namespace: string
  profile: string
  /** What is a secure context there, although it has no certificate. */
  origin: string
}

const FLAGS = [...CHROMIUM_FLAGS, '--headless=new', '--no-startup-window', '--remote-debugging-pipe']

/** Starts with no tab. */
export function startChromium({ namespace, profile, origin }: ChromiumOptions): Chromium {
  const own = [`--user-data-dir=${profile}`, `--unsafely-treat-insecure-origin-as-secure=${origin}`]
  // A process group of its own, so that Ctrl-C does not reach it first, and that one signal ends all of it.
  const child = spawn(IP, ['netns', 'exec', namespace, CHROMIUM_PATH, ...FLAGS, ...own], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  })
  const devtools = openDevtools(child)
  const tabs = async () => {
    const { targetInfos } = await devtools.send<{ targetInfos: TargetInfo[] }>('Target.getTargets')
    return targetInfos.filter(({ type }) => type === 'page').map(({ url }) => url)
  }
  return {
    tabs,
    openTab: url => openTab(devtools, url),
    onEvent: devtools.onEvent,
    kill: () => killGroup(child),
  }
}

interface TargetInfo {
  targetId: string
  type: string
  url: string
}

async function openTab(devtools: Devtools, url: string): Promise<Tab> {
  const { targetId } = await devtools.send<{ targetId: string }>('Target.createTarget', { url })
  const target = { targetId, flatten: true }
  const { sessionId } = await devtools.send<{ sessionId: string }>('Target.attachToTarget', target)
  const isThere = async () => {
    const { targetInfos } = await devtools.send<{ targetInfos: TargetInfo[] }>('Target.getTargets')
    return targetInfos.some(info => info.targetId === targetId)
  }
  return {
    send: (method, params) => devtools.send(method, params, sessionId),
    async evaluate(fn, ...args) {
      const expression = `(${fn})(...${JSON.stringify(args)})`
      const asked = { expression, awaitPromise: true, returnByValue: true }
      const { result, exceptionDetails } = await devtools.send<Evaluated>('Runtime.evaluate', asked, sessionId)
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
      return result.value as never
    },
    async close() {
      await devtools.send('Target.closeTarget', { targetId })
      await until('the tab is gone', async () => !(await isThere()))
    },
  }
}

interface Evaluated {
  result: { value?: unknown }
  exceptionDetails?: { text: string; exception?: { description?: string } }
}

async function killGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  process.kill(-child.pid, 'SIGKILL')
  await gone
}
