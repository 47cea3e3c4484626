import type { WorkboxPlugin } from 'workbox-core/types.js'
import type { PrecacheEntry } from './precache.ts'

/** Some servers answer with a page of theirs, and status 200, for a file that they do not have. */
const NO_PAGE = /\.(m?js|css|json|wasm|svg|png|jpe?g|gif|webp|avif|woff2?)$/

/** Refuses to store what is not the file that was asked for: error pages, and the page of another version. */
export function createAnswerCheck(manifest: readonly (PrecacheEntry | string)[]): WorkboxPlugin {
  return {
    async cacheWillUpdate({ request: { url }, response }) {
      if (!response.ok) return null
      if (!response.headers.get('content-type')?.startsWith('text/html')) return response
      if (NO_PAGE.test(url)) return null
      const text = await response.clone().text()
      return scriptsOf(url, manifest).every(script => text.includes(script)) ? response : null
    },
  }
}

function scriptsOf(page: string, manifest: readonly (PrecacheEntry | string)[]): string[] {
  for (const entry of manifest) {
    if (typeof entry !== 'string' && new URL(entry.url, location.href).href === page) return entry.scripts ?? []
  }
  return []
}
