import type { CachingRule } from '../protocol/caching.ts'
import type { ManifestEntry } from './manifest.ts'
import type { ResolvedOptions } from './options.ts'
import { toSource } from './to-source.ts'
import { importOf } from './worker-module.ts'

/** What of the generated worker answers GET requests: import lines, and the parts as expressions. */
export function readParts(
  { caching, imageFallback }: ResolvedOptions,
  manifest: readonly ManifestEntry[],
): { imports: string[]; expressions: string[] } {
  const imports: string[] = []
  const expressions: string[] = []
  if (caching.length > 0) {
    const features = FEATURES.filter(({ isUsed }) => caching.some(isUsed))
    imports.push(importOf('reads/rule-routes', ['ruleRoutes']))
    imports.push(...features.map(({ module, name }) => importOf(`reads/${module}`, [name])))
    expressions.push(`ruleRoutes(${toSource(caching)}, [${features.map(({ name }) => name).join(', ')}])`)
  }
  if (manifest.some(({ url }) => MEDIA.test(url))) {
    imports.push(importOf('reads/ranges', ['precachedRanges']))
    expressions.push('precachedRanges')
  }
  if (imageFallback !== undefined) {
    imports.push(importOf('reads/image-fallback', ['imageFallback']))
    expressions.push(`imageFallback(${toSource(imageFallback)})`)
  }
  return { imports, expressions }
}

/** What is asked for in parts: WebKit plays no sound and no video that comes whole. */
const MEDIA = /\.(?:mp[34]|m4[av]|og[agv]|opus|webm|wav|flac|aac|mov|pmtiles|pdf)$/i

interface Feature {
  module: string
  name: string
  isUsed(rule: CachingRule): unknown
}

/** In the order in which they have their say, see sw/reads/all-parts.ts. */
const FEATURES: Feature[] = [
  { module: 'statuses', name: 'statuses', isUsed: ({ statuses }) => statuses },
  { module: 'ranges', name: 'ranges', isUsed: ({ ranges }) => ranges },
  { module: 'expiry', name: 'expiry', isUsed: ({ maxAgeMs, maxEntries }) => maxAgeMs ?? maxEntries },
  { module: 'stale-if-error', name: 'staleIfError', isUsed: ({ staleIfError }) => staleIfError },
  {
    module: 'announce',
    name: 'announce',
    isUsed: ({ strategy, announce }) => announce ?? strategy === 'stale-while-revalidate',
  },
  {
    module: 'own-writes',
    name: 'ownWrites',
    isUsed: ({ strategy, tags }) => strategy === 'stale-while-revalidate' && tags,
  },
  { module: 'refresh', name: 'refresh', isUsed: ({ refresh }) => refresh },
  { module: 'make-room', name: 'makeRoom', isUsed: ({ strategy }) => strategy !== 'network-only' },
]
