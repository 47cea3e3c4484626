import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { serveStatic } from '@hono/node-server/serve-static'
import { type Context, Hono } from 'hono'

/** Serves the built pages. Throws when they have not been built. */
export function createSite(siteDir: string): Hono {
  if (!existsSync(join(siteDir, 'index.html'))) {
    throw new Error(`There is no built demo in ${siteDir}. Build it first: npm run build && npm run build:demo.`)
  }
  const site = new Hono()
  site.use(async (c, next) => {
    await next()
    c.header('Cache-Control', cacheControlOf(c))
  })
  site.use(serveStatic({ root: siteDir }))
  // Every address of the app is its one page; a missing file is missing.
  site.get('*', async (c, next) =>
    isNavigation(c) ? await serveStatic({ path: join(siteDir, 'index.html') })(c, next) : await next(),
  )
  return site
}

// The names below /assets change with their content. All others, the worker first of all, must be asked for each time.
function cacheControlOf(c: Context): string {
  const isHashed = c.req.path.startsWith('/assets/') && (c.res.status === 200 || c.res.status === 206)
  return isHashed ? 'public, max-age=31536000, immutable' : 'no-cache'
}

function isNavigation(c: Context): boolean {
  return !c.req.path.startsWith('/assets/') && (c.req.header('accept') ?? '').includes('text/html')
}
