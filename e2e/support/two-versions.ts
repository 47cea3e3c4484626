import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test as base, buildSite } from './small-app.ts'

export { expect } from './small-app.ts'

interface WorkerFixtures {
  /** Where both versions are built. */
  versions: string
}

/** The small app in two versions of the protocol: the server has the old one until `deploy()`. */
export const test = base.extend<{ deploy: (version: 1 | 2) => Promise<void> }, WorkerFixtures>({
  versions: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures from the pattern.
    async ({}, use) => {
      const root = await mkdtemp(join(tmpdir(), 'holdfast-versions-'))
      await buildVersion(root, 1)
      await buildVersion(root, 2)
      await use(root)
      await rm(root, { recursive: true, force: true })
    },
    { scope: 'worker' },
  ],
  site: [({ versions }, use) => use(join(versions, 'current')), { scope: 'worker' }],
  deploy: [
    async ({ versions }, use) => {
      const deploy = async (version: 1 | 2) => {
        const next = join(versions, 'next')
        await symlink(join(versions, String(version), 'dist'), next)
        await rename(next, join(versions, 'current'))
      }
      await deploy(1)
      await use(deploy)
    },
    { auto: true },
  ],
})

/** A later version of Holdfast is this one with a greater number: nothing else of it is known yet. */
async function buildVersion(root: string, version: number): Promise<void> {
  const folder = join(root, String(version))
  await mkdir(folder)
  const messages = await readFile(resolve(import.meta.dirname, '../../dist/src/protocol/messages.js'), 'utf8')
  const later = messages.replace('PROTOCOL_VERSION = 1', `PROTOCOL_VERSION = ${version}`)
  if (!later.includes(`PROTOCOL_VERSION = ${version};`)) throw new Error('The protocol version was not found.')
  const replacement = join(folder, 'messages.js')
  await writeFile(replacement, later)
  await buildSite(folder, undefined, { resolve: { alias: [{ find: /^.*\/protocol\/messages\.js$/, replacement }] } })
}
