import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Builder, Capabilities, type WebDriver } from 'selenium-webdriver'
import { MINIBROWSER_PATH, WEBKIT_DRIVER_PATH } from '../../scripts/engines.ts'
import { startDisplay } from './display.ts'
import type { EngineBrowser, EngineOptions, Tab } from './engine-browser.ts'
import { endGroup, membersOf } from './process-group.ts'
import { webkitEnvironment } from './webkit-environment.ts'

/** Starts WebKitGTK's MiniBrowser, driven by WebKitWebDriver; its session keeps nothing. */
export async function startWebKit({ profile }: EngineOptions): Promise<EngineBrowser> {
  const display = await startDisplay()
  const { child, driver } = await startDriver(webkitEnvironment(profile, display)).catch(error => {
    display.end()
    throw error
  })
  const inTurn = createTurns()
  // The window that it starts with stays open: without one the session ends.
  const blank = await driver.getWindowHandle()
  const ours = new Set<string>()
  const kill = async () => {
    await endGroup(child.pid)
    display.end()
  }
  return {
    newTab: url =>
      inTurn(async () => {
        // A tab of its own is hidden here; the first one is what a person looks at.
        await driver.switchTo().window(blank)
        await driver.switchTo().newWindow(ours.size === 0 ? 'window' : 'tab')
        const handle = await driver.getWindowHandle()
        ours.add(handle)
        await driver.get(url)
        return tabOf({ driver, handle, inTurn, onClose: () => ours.delete(handle) })
      }),
    async crashWorker() {
      const worker = membersOf(child.pid).find(({ threads }) => threads.some(name => name.endsWith('ServiceWorker')))
      if (!worker) throw new Error('No process of WebKit runs a worker.')
      process.kill(worker.pid, 'SIGKILL')
    },
    kill,
    async close() {
      await Promise.race([inTurn(() => driver.quit()).catch(() => undefined), sleep(5_000, undefined, { ref: false })])
      await kill()
    },
  }
}

async function startDriver(env: NodeJS.ProcessEnv): Promise<{ child: ChildProcess; driver: WebDriver }> {
  const port = await freePort()
  // A process group of its own, so that one signal reaches the browser's processes too.
  const child = spawn(WEBKIT_DRIVER_PATH, [`--port=${port}`], { env, detached: true, stdio: 'ignore' })
  try {
    const server = `http://127.0.0.1:${port}`
    await untilListening(server)
    const driver = await new Builder().usingServer(server).withCapabilities(new Capabilities(CAPABILITIES)).build()
    await driver.manage().setTimeouts({ pageLoad: 20_000, script: 20_000 })
    return { child, driver }
  } catch (error) {
    await endGroup(child.pid)
    throw error
  }
}

const CAPABILITIES = {
  browserName: 'MiniBrowser',
  'webkitgtk:browserOptions': { binary: MINIBROWSER_PATH, args: ['--automation'] },
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

async function untilListening(server: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await sleep(50)) {
    if (await fetch(`${server}/status`).catch(() => undefined)) return
  }
  throw new Error('WebKitWebDriver did not start.')
}

type InTurn = <T>(command: () => Promise<T>) => Promise<T>

/** A session has one present window: whoever chooses it must be done before the next one does. */
function createTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve()
  return command => {
    const next = last.then(command, command)
    last = next.catch(() => undefined)
    return next
  }
}

interface TabParts {
  driver: WebDriver
  handle: string
  inTurn: InTurn
  onClose: () => void
}

function tabOf({ driver, handle, inTurn, onClose }: TabParts): Tab {
  const here = <T>(command: () => Promise<T>) =>
    inTurn(async () => {
      await driver.switchTo().window(handle)
      return command()
    })
  return {
    goto: url => here(() => driver.get(url)),
    reload: () => here(() => driver.navigate().refresh()),
    back: () => here(() => driver.executeScript('history.back()')),
    evaluate: (fn, ...args) => evaluate(script => here(() => driver.executeScript(script)), fn, args),
    close: () => here(() => driver.close()).finally(onClose),
  }
}

interface Outcome {
  value?: unknown
  error?: string
}

/** A script that waits would keep the whole session: this one is begun, and asked for until it is done. */
async function evaluate<Result>(
  run: <T>(script: string) => Promise<T>,
  fn: (...args: never[]) => unknown,
  args: unknown[],
): Promise<Result> {
  const slot = `window['${crypto.randomUUID()}']`
  await run(`${slot} = {}
    Promise.resolve().then(() => (${fn})(...${JSON.stringify(args)})).then(
      value => { ${slot} = { done: true, value } },
      error => { ${slot} = { done: true, error: String(error?.message ?? error) } })`)
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(20)) {
    const outcome = await run<(Outcome & { done?: true }) | null>(`return ${slot}`)
    if (!outcome) throw new Error(`The page has gone while it ran ${fn}`)
    if (outcome.error !== undefined) throw new Error(outcome.error)
    if (outcome.done) return outcome.value as Result
  }
  throw new Error(`The page took longer than 30 s for ${fn}`)
}
