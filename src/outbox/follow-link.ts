import { isLink, isThrifty } from '../protocol/link.ts'
import type { ResolvedPace } from './pace/pace-options.ts'

/** The record of `meta` in which the leader keeps what it found out about the network. */
export const LINK_KEY = 'link'

/** The pace for the network that was last found: on a slow one, or where the person spares data, less at once. */
export function followLink(pace: ResolvedPace, link: unknown, now: number): ResolvedPace {
  if (!isLink(link) || !isThrifty(link, now)) return pace
  const { concurrency, onSlowLink } = pace
  const max = Math.max(concurrency.min, Math.min(concurrency.max, onSlowLink.concurrency))
  const batchSize = Math.min(pace.batchSize, onSlowLink.batchSize)
  return { ...pace, concurrency: { ...concurrency, max }, batchSize, mostBytes: onSlowLink.mostBytes }
}
