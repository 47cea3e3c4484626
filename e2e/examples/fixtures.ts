import { test as base, type HoldfastFixtures } from 'holdfast/playwright'
import { buildExamples, type ExampleName, type ServedExample, serveExample } from './examples.ts'

export { expect } from 'holdfast/playwright'

interface TestFixtures extends HoldfastFixtures {
  example: ExampleName
  server: ServedExample
}

/** One of the examples, as it is built and served. Chosen with `test.use({ example })`. */
export const test = base.extend<TestFixtures, { built: string }>({
  built: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures from the pattern.
    async ({}, use) => use(await buildExamples()),
    { scope: 'worker', timeout: 120_000 },
  ],
  example: ['vanilla', { option: true }],
  server: async ({ built, example }, use) => {
    const server = await serveExample(example, built)
    await use(server)
    await server.close()
  },
  baseURL: ({ server }, use) => use(`http://localhost:${server.port}/`),
})
