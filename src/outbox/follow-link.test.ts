import { expect, it } from 'vitest'
import type { Link } from '../protocol/link.ts'
import { followLink } from './follow-link.ts'
import { DEFAULT_SETTINGS } from './settings.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')
const { pace } = DEFAULT_SETTINGS
const slow: Link = { online: true, quality: 'slow', saveData: false, measuredAt: NOW }

it('sends less at once on a slow link, and where the person spares data', () => {
  const less = { batchSize: 5, concurrency: { min: 1, max: 2 } }
  expect(followLink(pace, slow, NOW)).toMatchObject(less)
  expect(followLink(pace, { ...slow, quality: 'fast', saveData: true }, NOW)).toMatchObject(less)
})

it('lets larger bodies wait where the app says so, and never asks for more than the app allows', () => {
  const own = {
    ...pace,
    batchSize: 3,
    concurrency: { min: 4, max: 6 },
    onSlowLink: { ...pace.onSlowLink, mostBytes: 9 },
  }
  expect(followLink(own, slow, NOW)).toMatchObject({ batchSize: 3, concurrency: { min: 4, max: 4 }, mostBytes: 9 })
})

it("is the app's own pace on a fast link, for one that is too old or from the future, and for what is no link", () => {
  const others: unknown[] = [{ ...slow, quality: 'fast' }, undefined, null, 'slow', { quality: 'slow' }]
  for (const link of others) expect(followLink(pace, link, NOW)).toBe(pace)
  expect(followLink(pace, slow, NOW + 300_001)).toBe(pace)
  expect(followLink(pace, slow, NOW - 60_000)).toBe(pace)
})
