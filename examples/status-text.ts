import type { DeadLetter, SyncStatus } from 'holdfast'

/** Whether there is a network, and what became of what was written, in a line. */
export function statusText({ online, pending, dead, storage }: SyncStatus): string {
  if (storage === 'unavailable') return 'This browser keeps nothing on this device.'
  const words = [online ? 'Online.' : 'Offline.']
  if (pending > 0) words.push(`${pending} ${pending === 1 ? 'change waits' : 'changes wait'} on this device.`)
  if (dead > 0) words.push(`${dead} not accepted.`)
  if (pending + dead === 0) words.push('All saved.')
  return words.join(' ')
}

/** Why the server did not take a write, in its own words where it has some. */
export function refusalText({ problem, status, reason }: DeadLetter): string {
  return problem?.detail ?? (status ? `The server answered ${status}.` : `It could not be sent: ${reason}.`)
}
