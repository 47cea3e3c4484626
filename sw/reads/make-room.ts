import { registerQuotaErrorCallback } from 'workbox-core/registerQuotaErrorCallback.js'
import { evict } from './evict.ts'
import type { RuleFeature } from './rule-routes.ts'

/**
 * Empties caches of rules when an answer, or a file of a new version, finds no room: those of the lowest priority first,
 * and no more than needed. What is pinned stays, as does the precache, and the outbox is no cache.
 */
export const makeRoom: RuleFeature = {
  start(rules, { scope }) {
    let running: Promise<void> | undefined
    // Many answers find no room at once, and the first cache may give enough for all of them.
    registerQuotaErrorCallback(() => {
      running ??= evict(scope, rules).finally(() => {
        running = undefined
      })
      return running
    })
  },
}
