import type { CachingRule } from '../../src/protocol/caching.ts'
import { announce } from './announce.ts'
import { expiry } from './expiry.ts'
import { imageFallback } from './image-fallback.ts'
import { makeRoom } from './make-room.ts'
import { ownWrites } from './own-writes.ts'
import { precachedRanges, ranges } from './ranges.ts'
import type { ReadPart } from './read-part.ts'
import { refresh } from './refresh.ts'
import { ruleRoutes } from './rule-routes.ts'
import { staleIfError } from './stale-if-error.ts'
import { statuses } from './statuses.ts'

/** What a worker of the app's own may ask for, with all that its rules could name: they are not known when it is built. */
export function allParts(rules: readonly CachingRule[], imageFile: string | undefined): ReadPart[] {
  const features = [statuses, ranges, expiry, staleIfError, announce, ownWrites, refresh, makeRoom]
  return [ruleRoutes(rules, features), precachedRanges, ...(imageFile === undefined ? [] : [imageFallback(imageFile)])]
}
