import { CacheableResponsePlugin } from 'workbox-cacheable-response/CacheableResponsePlugin.js'
import type { RuleFeature } from './rule-routes.ts'

/** For rules that say which statuses are stored. */
export const statuses: RuleFeature = {
  plugins: ({ statuses }) => ({ storing: statuses ? [new CacheableResponsePlugin({ statuses })] : [] }),
}
