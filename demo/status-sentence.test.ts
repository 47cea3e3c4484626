import type { SyncStatus } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { clockTime, nextRun, statusSentence } from './status-sentence.ts'

const now = new Date(2026, 10, 21, 15, 0)
const lastSyncAt = new Date(2026, 10, 21, 14, 2)
const idle: SyncStatus = {
  state: 'idle',
  online: true,
  quality: 'fast',
  leader: true,
  pending: 0,
  sending: 0,
  held: 0,
  dead: 0,
  pressure: 0,
  storage: 'durable',
}

function sentence(status: Partial<SyncStatus>, { done = 0, onlyNotesWait = true } = {}): string {
  const whole = { ...idle, ...status }
  return statusSentence({ status: whole, run: { done, pending: whole.pending }, onlyNotesWait, now })
}

describe('statusSentence', () => {
  it('tells when the last sync was, once everything is saved', () => {
    expect(sentence({ lastSyncAt })).toBe('Online. All saved. Last sync 14:02.')
    expect(sentence({})).toBe('Online. All saved.')
  })

  it('counts what waits on this device while it is offline', () => {
    const offline = { state: 'offline', online: false } as const
    expect(sentence({ ...offline, pending: 3 })).toBe('Offline. 3 notes wait on this device.')
    expect(sentence({ ...offline, pending: 1 })).toBe('Offline. 1 note waits on this device.')
    expect(sentence({ ...offline, pending: 2 }, { onlyNotesWait: false })).toContain('2 changes wait')
    expect(sentence({ ...offline, lastSyncAt })).toBe('Offline. All saved. Last sync 14:02.')
  })

  it('tells what is being sent', () => {
    const syncing = { state: 'syncing', sending: 1, pending: 2, lastSyncAt } as const
    expect(sentence(syncing, { done: 1 })).toBe('Online. Sending 2 of 3…')
  })

  it('says that more will come of what waits while there is a network', () => {
    expect(sentence({ state: 'waiting', pending: 1 })).toBe(
      'Online. 1 note waits on this device and will be sent soon.',
    )
  })

  it('counts what was refused and then claims no more than that nothing waits', () => {
    expect(sentence({ dead: 1 })).toBe('Online. Nothing waits. 1 was refused.')
    expect(sentence({ dead: 2, lastSyncAt })).toBe('Online. Nothing waits. 2 were refused. Last sync 14:02.')
  })

  it('tells that sending is paused', () => {
    expect(sentence({ state: 'paused', pending: 2 })).toBe(
      'Online. Sending is paused, and 2 notes wait on this device.',
    )
  })

  it('claims nothing where there is no storage', () => {
    expect(sentence({ storage: 'unavailable' })).toBe('Online. This device keeps nothing.')
  })
})

describe('nextRun', () => {
  it('counts what is done until nothing is pending', () => {
    const states = [3, 2, 3, 1].map(pending => ({ pending, state: 'syncing' as const }))
    const runs = states.map(
      (
        run => status =>
          (run = nextRun(run, status))
      )({ done: 0, pending: 0 }),
    )
    expect(runs.map(({ done }) => done)).toEqual([0, 1, 1, 3])
    expect(nextRun(runs[3]!, { pending: 0, state: 'idle' })).toEqual({ done: 0, pending: 0 })
  })

  it('begins anew after an interruption', () => {
    expect(nextRun({ done: 4, pending: 2 }, { pending: 2, state: 'offline' })).toEqual({ done: 0, pending: 2 })
  })
})

describe('clockTime', () => {
  it('names the day when it is not today', () => {
    expect(clockTime(new Date(2026, 10, 20, 9, 5), now)).toBe('20 Nov, 09:05')
  })
})
