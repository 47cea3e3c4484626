import { describe, expect, it } from 'vitest'
import { planCopy } from './server-list.ts'

const note = (id: string) => ({ id, text: id, writtenAt: '2026-11-21T14:00:00.000Z' })
const none: ReadonlySet<string> = new Set()

describe('planCopy', () => {
  it('adds what the server has, and drops what was deleted elsewhere', () => {
    const plan = planCopy([note('b')], true, { copied: [note('a')], unsettled: none })
    expect(plan).toEqual({ put: [note('b')], remove: ['a'] })
  })

  it('keeps what the server cannot know yet', () => {
    const plan = planCopy([], true, { copied: [note('a')], unsettled: new Set(['a']) })
    expect(plan).toEqual({ put: [], remove: [] })
  })

  it('only adds from a list out of the cache', () => {
    const copied = [note('a'), { ...note('b'), deleted: true as const }]
    const plan = planCopy([note('b'), note('c')], false, { copied, unsettled: none })
    expect(plan).toEqual({ put: [note('c')], remove: [] })
  })

  it('keeps a tombstone until a fresh list lacks the note', () => {
    const copied = [{ ...note('a'), deleted: true as const }]
    expect(planCopy([note('a')], true, { copied, unsettled: new Set(['a']) })).toEqual({ put: [], remove: [] })
    expect(planCopy([], true, { copied, unsettled: none })).toEqual({ put: [], remove: ['a'] })
  })

  it('brings a note back whose deletion was never recorded', () => {
    const copied = [{ ...note('a'), deleted: true as const }]
    expect(planCopy([note('a')], true, { copied, unsettled: none })).toEqual({ put: [note('a')], remove: [] })
  })
})
