import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { holdfast } from 'holdfast/vite'
import { build } from 'vite'
import { expect, test } from './support/mode-app.ts'

const page = (title: string, script: string) =>
  `<!doctype html><title>${title}</title><h1>${title}</h1><script type="module" src="${script}"></script>`

const SOURCES = {
  'index.html': page('Home', '/main.js'),
  'about.html': page('About', '/main.js'),
  'guide/index.html': page('Guide', '/main.js'),
  'guide/deep/tides.html': page('Tides', '/main.js'),
  'public/robots.txt': 'User-agent: *',
  'main.js': `import { createHoldfast } from 'holdfast'
window.hf = createHoldfast()
`,
}

const INPUT = ['index.html', 'about.html', 'guide/index.html', 'guide/deep/tides.html']

/** Where a visitor may go, and the page that is there: with and without what hosts add by themselves. */
const PAGES = {
  '': 'Home',
  'index.html': 'Home',
  about: 'About',
  'about.html': 'About',
  'guide/': 'Guide',
  'guide/index.html': 'Guide',
  'guide/deep/tides': 'Tides',
  'guide/deep/tides.html': 'Tides',
}

async function expectEach(tab: Page, base: string): Promise<void> {
  for (const [path, title] of Object.entries(PAGES)) {
    await tab.goto(base + path)
    expect([path, await tab.title()]).toEqual([path, title])
  }
}

for (const base of ['/', '/app/', './']) {
  test(`with the base ${base} each page is there offline, and one worker serves all of them`, async ({
    page,
    worker,
    network,
    makeApp,
    serveFolder,
  }) => {
    const root = await makeApp(SOURCES)
    const outDir = join(root, 'out/site')
    const input = INPUT.map(file => join(root, file))
    const plugins = [holdfast()]
    await build({
      root,
      base,
      configFile: false,
      logLevel: 'error',
      plugins,
      build: { outDir, minify: false, rolldownOptions: { input } },
    })
    const site = await serveFolder(outDir, { base: base === './' ? '/somewhere/' : base })
    // The first visit is deep in the app: the worker is at its base all the same.
    await page.goto(`${site.url}guide/deep/tides.html`)
    await worker.ready(page)
    const found = await page.evaluate(async () => {
      const registrations = await navigator.serviceWorker.getRegistrations()
      return registrations.map(({ scope, active }) => [scope, active?.scriptURL])
    })
    expect(found).toEqual([[site.url, `${site.url}sw.js`]])
    await expectEach(page, site.url)
    await network.offline()
    await expectEach(page, site.url)
    expect(await page.evaluate(url => fetch(url).then(response => response.text()), `${site.url}robots.txt`)).toBe(
      SOURCES['public/robots.txt'],
    )
  })
}
