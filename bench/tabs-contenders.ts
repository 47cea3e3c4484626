import type { ContenderName } from './tabs-page/contenders.ts'

export const CONTENDER_LABELS: Record<ContenderName, string> = {
  ours: 'ours',
  bareLock: 'a bare Web Lock',
  broadcastChannel: 'broadcast-channel',
}

/** Who can take part where there are Web Locks, or none. */
export function contendersWith(locks: boolean): ContenderName[] {
  return locks ? ['ours', 'bareLock', 'broadcastChannel'] : ['ours', 'broadcastChannel']
}
