import { defineConfig } from 'vitest/config'
import { ENGINE_NAMES } from './scripts/engines.ts'

/** The browser suites of the engines without Background Sync; see `scripts/e2e-engine.ts`. */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: ENGINE_NAMES.map(engine => ({
      test: {
        name: engine,
        include: ['e2e/engines/*.engine.ts'],
        globalSetup: ['e2e/engines/build-site.ts'],
        provide: { engine },
        // The files of a process share a browser: starting one takes longer than most tests.
        isolate: false,
        // What nobody asks for comes by retries and the page's timers.
        expect: { poll: { timeout: 60_000, interval: 50 } },
        testTimeout: 80_000,
        // Three suites share the cores in CI. What fails twice is broken.
        retry: process.env.CI === 'true' ? 1 : 0,
        hookTimeout: 30_000,
      },
    })),
  },
})
