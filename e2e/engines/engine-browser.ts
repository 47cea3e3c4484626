import { startFirefox } from './firefox.ts'
import { startUnattendedWebKit } from './unattended-webkit.ts'
import { startWebKit } from './webkit.ts'

/** An engine without Background Sync. Chromium has the suite of Playwright. */
export type EngineName = 'firefox' | 'webkit'

/** One tab. What is called on it waits for at most half a minute. */
export interface Tab {
  goto(url: string): Promise<void>
  reload(): Promise<void>
  /** Back in the history, as the button does it: the page may come from the back-forward cache. */
  back(): Promise<void>
  /** Calls a function in the page; it and what it gives travel as text, and a promise is waited for. */
  evaluate<Args extends unknown[], Result>(fn: (...args: Args) => Result, ...args: Args): Promise<Awaited<Result>>
  close(): Promise<void>
}

/** A browser that a test started itself. */
export interface EngineBrowser {
  /** Opens a tab. Several may be used at once; which of them is visible is the engine's own way. */
  newTab(url: string): Promise<Tab>
  /** Ends the process in which the service worker runs with SIGKILL, and with it the tabs that share it. */
  crashWorker(): Promise<void>
  /** Ends every process of the browser at once with SIGKILL. */
  kill(): Promise<void>
  /** Ends the browser as a person does; what does not go is killed. */
  close(): Promise<void>
}

export interface EngineOptions {
  /** A folder for everything that the browser keeps. */
  profile: string
  /** The service worker is ended when it had nothing to do for this long. Firefox only; WebKit's time is its own. */
  workerIdleMs?: number
  /**
   * The profile is really used. WebKitGTK has no such session under automation, so that the only tab is driven by the
   * page itself, and cannot be closed, or go where the app is not.
   */
  persistent?: boolean
}

/** Starts a stock browser. Whoever starts it closes or kills it. */
export function startEngine(name: EngineName, options: EngineOptions): Promise<EngineBrowser> {
  if (name === 'firefox') return startFirefox(options)
  return options.persistent ? startUnattendedWebKit(options) : startWebKit(options)
}
