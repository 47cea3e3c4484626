import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { buildSite } from './site.ts'

declare module 'vitest' {
  interface ProvidedContext {
    site: string
  }
}

/** Builds the app once for all files of the suite. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Vitest says `test`, and Vite would build for that: another worker than the one that people get.
  process.env.NODE_ENV = 'production'
  const root = await mkdtemp(join(tmpdir(), 'holdfast-engine-site-'))
  project.provide('site', await buildSite(root))
  return () => rm(root, { recursive: true, force: true })
}
