import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import { expect, type Page, test } from '@playwright/test'
import { holdfast, type WebManifest } from 'holdfast/vite'
import { build, createLogger, preview } from 'vite'

const ICONS = [192, 512].map(size => ({ src: `icon-${size}.png`, sizes: `${size}x${size}`, type: 'image/png' }))

const it = test.extend<{
  serve: (manifest: WebManifest, base?: string) => Promise<{ url: string; warnings: string[] }>
}>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures from the pattern.
  serve: async ({}, use) => {
    const root = await mkdtemp(join(tmpdir(), 'holdfast-manifest-'))
    await mkdir(join(root, 'public'))
    for (const size of [192, 512]) await writeFile(join(root, `public/icon-${size}.png`), square(size))
    await writeFile(join(root, 'index.html'), '<!doctype html><title>Tides</title>')
    const servers: { close(): Promise<void> }[] = []
    await use(async (manifest, base = '/') => {
      const warnings: string[] = []
      const customLogger = { ...createLogger('silent'), warn: (line: string) => warnings.push(line) }
      const plugins = [holdfast({ manifest })]
      const config = { root, base, configFile: false as const, customLogger, plugins, build: { minify: false } }
      await build(config)
      const server = await preview({ ...config, preview: { port: 0, host: 'localhost' } })
      servers.push(server)
      return { url: server.resolvedUrls?.local[0] ?? '', warnings }
    })
    for (const server of servers) await server.close()
    await rm(root, { recursive: true, force: true })
  },
})

for (const base of ['/', '/app/']) {
  it(`an app with a whole manifest can be installed, under the base ${base}`, async ({ page, context, serve }) => {
    const manifest: WebManifest = { name: 'Tides', display: 'standalone', theme_color: '#004b49', icons: ICONS }
    const { url, warnings } = await serve(manifest, base)
    await page.goto(url)
    const { url: manifestUrl, errors, manifest: parsed } = await manifestOf(page)
    expect(manifestUrl).toBe(`${url}manifest.webmanifest`)
    expect(errors).toEqual([])
    expect(parsed).toMatchObject({ name: 'Tides', startUrl: url, scope: url })
    expect(await installErrors(page)).toEqual([])
    expect(warnings).toEqual([])
    await expect(page.locator('meta[name="theme-color"]')).toHaveAttribute('content', '#004b49')

    await page.evaluate(() => navigator.serviceWorker.ready)
    await page.reload()
    await context.setOffline(true)
    expect(await page.evaluate(async address => (await fetch(address)).json(), manifestUrl)).toMatchObject(manifest)
  })
}

it('what keeps Chromium from installing an app is told when it is built', async ({ page, serve }) => {
  const { url, warnings } = await serve({
    icons: [{ src: 'none.png', sizes: '192x192' }],
    start_url: '/elsewhere',
    scope: '/app/',
  })
  await page.goto(url)
  const errors = await installErrors(page)
  expect(errors).toEqual(
    expect.arrayContaining(['manifest-missing-name-or-short-name', 'manifest-display-not-supported']),
  )
  expect(warnings).toHaveLength(5)
  for (const text of ['no name', '512x512', 'none.png is missing', '/elsewhere is outside', 'no display']) {
    expect(warnings).toContainEqual(expect.stringContaining(text))
  }
})

async function manifestOf(page: Page) {
  const session = await page.context().newCDPSession(page)
  return session.send('Page.getAppManifest')
}

/** Playwright's pages are those of a private window, where nothing can be installed; that one reason does not count. */
async function installErrors(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page)
  const { installabilityErrors } = await session.send('Page.getInstallabilityErrors')
  return installabilityErrors.map(({ errorId }) => errorId).filter(id => id !== 'in-incognito')
}

/** A grey PNG of that size. */
function square(size: number): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(size, 0)
  header.writeUInt32BE(size, 4)
  header[8] = 8
  // Each row begins with its filter, which is none.
  const row = Buffer.alloc(size + 1, 0x80).fill(0, 0, 1)
  const rows = deflateSync(Buffer.concat(Array.from({ length: size }, () => row)))
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}
