import { existsSync } from 'node:fs'
import path from 'node:path'
import type { ResolvedConfig } from 'vite'
import type { PluginOptions } from './options.ts'

/**
 * Says whether `vite dev` serves the worker. A scope has one: an app with the worker of MSW in its public folder would
 * lose its mocks, so there ours is served only when the app asks for it.
 */
export function isServedInDev({ publicDir }: ResolvedConfig, { dev }: PluginOptions): boolean {
  return dev ?? !(publicDir && existsSync(path.join(publicDir, MOCKS)))
}

const MOCKS = 'mockServiceWorker.js'

/** What is said of it, where the app did not. */
export const MOCKING = `holdfast: ${MOCKS} is in the public folder, so that the service worker is left out of vite dev; pages deliver by themselves. While nothing is mocked, holdfast({ dev: true }) serves it.`
