import { existsSync } from 'node:fs'
import path from 'node:path'
import type { HtmlTagDescriptor, Plugin, ResolvedConfig } from 'vite'
import { whatPreventsInstalling } from './installability.ts'
import type { ResolvedOptions } from './options.ts'
import type { WebManifest } from './web-manifest.ts'

/** Emits, serves and links the web app manifest, where the options have one. */
export function webManifestPlugin({ manifest, manifestFilename: filename }: ResolvedOptions): Plugin[] {
  if (!manifest) return []
  const source = `${JSON.stringify(manifest, null, 2)}\n`
  let base = '/'
  return [
    {
      name: 'holdfast:manifest',
      configResolved(config) {
        base = config.base
      },
      transformIndexHtml: {
        // After Vite's own pass, which would look for the file among the sources.
        order: 'post',
        handler: (html, context) => headTags(html, { manifest, href: hrefOf(base, filename, context.path) }),
      },
      configureServer(server) {
        const { config } = server
        const url = baseOf(config) + filename
        warn(config, manifest, config.publicDir)
        server.middlewares.use((request, response, next) => {
          if (request.url?.split('?')[0] !== url) return next()
          response.setHeader('Content-Type', 'application/manifest+json')
          response.setHeader('Cache-Control', 'no-cache')
          response.end(source)
        })
      },
    },
    {
      name: 'holdfast:manifest-build',
      apply: 'build',
      applyToEnvironment: environment => environment.name === 'client' && environment.config.consumer === 'client',
      generateBundle() {
        this.emitFile({ type: 'asset', fileName: filename, source })
      },
      // Everything is there now: copies of the public folder, and what other plugins have emitted.
      writeBundle: {
        order: 'post',
        handler() {
          const { config } = this.environment
          warn(config, manifest, path.resolve(config.root, config.build.outDir))
        },
      },
    },
  ]
}

function warn(config: ResolvedConfig, manifest: WebManifest, folder: string): void {
  const hasFile = (file: string) => existsSync(path.join(folder, file))
  for (const reason of whatPreventsInstalling(manifest, { base: baseOf(config), hasFile })) {
    config.logger.warn(`holdfast: the app cannot be installed, because of its manifest: ${reason}`)
  }
}

/** What the page has of its own stays as it is. */
function headTags(html: string, { manifest, href }: { manifest: WebManifest; href: string }): HtmlTagDescriptor[] {
  const tags: HtmlTagDescriptor[] = []
  if (!/<link[^>]+rel=["']?manifest\b/i.test(html)) tags.push({ tag: 'link', attrs: { rel: 'manifest', href } })
  const { theme_color: content } = manifest
  const hasColor = /<meta[^>]+name=["']?theme-color\b/i.test(html)
  if (content && !hasColor) tags.push({ tag: 'meta', attrs: { name: 'theme-color', content } })
  return tags.map(tag => ({ ...tag, injectTo: 'head' }))
}

/** With a relative base every page needs its own way up. */
function hrefOf(base: string, filename: string, page: string): string {
  if (base !== '' && !base.startsWith('.')) return base + filename
  const depth = page.split('/').length - 2
  return (depth > 0 ? '../'.repeat(depth) : './') + filename
}

/** The path under which the app is served; a relative base counts as the root. */
function baseOf({ base }: ResolvedConfig): string {
  if (base === '' || base.startsWith('.')) return '/'
  return new URL(base, 'http://localhost').pathname
}
