import type { SyncStatus } from 'holdfast'

/** How far the sending has come since something was last all sent. */
export interface Run {
  done: number
  pending: number
}

/** Follows the run by one status: fewer pending writes are done ones, and nothing pending ends it. */
export function nextRun(run: Run, { pending, state }: Pick<SyncStatus, 'pending' | 'state'>): Run {
  if (pending === 0 || state === 'offline' || state === 'paused') return { done: 0, pending }
  return { done: run.done + Math.max(0, run.pending - pending), pending }
}

export interface Sentence {
  status: SyncStatus
  run: Run
  /** Whether what waits is new notes only; deletions count as changes. */
  onlyNotesWait: boolean
  now: Date
}

/** Says in plain words whether there is a network, what waits, what is being sent, and when the last sync was. */
export function statusSentence({ status, run, onlyNotesWait, now }: Sentence): string {
  const { online, dead, lastSyncAt } = status
  const connection = online ? 'Online.' : 'Offline.'
  const last = lastSyncAt && status.state !== 'syncing' ? `Last sync ${clockTime(lastSyncAt, now)}.` : ''
  const refused = dead === 0 ? '' : `${dead} ${dead === 1 ? 'was' : 'were'} refused.`
  if (status.storage === 'unavailable') return `${connection} This device keeps nothing.`
  return [connection, progress({ status, run, onlyNotesWait }), refused, last].filter(Boolean).join(' ')
}

/** The hour for today, else with its day: `14:02`, `20 Nov, 14:02`. */
export function clockTime(date: Date, now: Date): string {
  const time = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
  if (date.toDateString() === now.toDateString()) return time
  return `${date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })}, ${time}`
}

function progress({ status: { state, pending, dead, sending }, run, onlyNotesWait }: Omit<Sentence, 'now'>): string {
  const count = `${pending} ${onlyNotesWait ? 'note' : 'change'}${pending === 1 ? '' : 's'}`
  const wait = `${count} ${pending === 1 ? 'waits' : 'wait'} on this device`
  if (sending > 0 && pending > 0) return `Sending ${run.done + 1} of ${run.done + pending}…`
  if (state === 'paused') return pending === 0 ? 'Sending is paused.' : `Sending is paused, and ${wait}.`
  if (state === 'held') return `The server asks who you are, and ${wait}.`
  if (pending > 0) return state === 'offline' ? `${wait}.` : `${wait} and will be sent soon.`
  return dead === 0 ? 'All saved.' : 'Nothing waits.'
}
