import { setTimeout as sleep } from 'node:timers/promises'
import { type Arrival, ok } from './app-server.ts'
import { expect, test } from './fixtures.ts'
import { write } from './writes.ts'

const TABS = ['a', 'b', 'c', 'd']
const ENTITIES = ['x', 'y', 'z']
const EACH = 12

test('four tabs write at once: every write arrives once, each entity in order and one at a time', async ({
  open,
  server,
}) => {
  const underWay = new Map<string, number>()
  let most = 0
  server.answer(async (arrival, response) => {
    const { entity } = noteIn(arrival)
    underWay.set(entity, (underWay.get(entity) ?? 0) + 1)
    most = Math.max(most, ...underWay.values())
    await sleep(10)
    underWay.set(entity, (underWay.get(entity) ?? 0) - 1)
    ok(arrival, response)
  })
  const tabs = []
  for (const _ of TABS) tabs.push(await open())
  await Promise.all(tabs.map((tab, at) => write(tab, notesOf(TABS[at] ?? ''))))

  await expect.poll(() => server.arrivals.length).toBeGreaterThanOrEqual(TABS.length * EACH)
  for (const tab of tabs) await expect.poll(() => tab.evaluate(() => window.hf.outbox.count())).toBe(0)
  expect(server.arrivals.length).toBe(TABS.length * EACH)
  expect(new Set(server.arrivals.map(({ key }) => key)).size).toBe(TABS.length * EACH)
  for (const tab of TABS) {
    for (const entity of ENTITIES) expect(numbersOf(server.arrivals, tab, entity)).toEqual(numbersIn(entity))
  }
  expect(most).toBe(1)
})

interface Note {
  tab: string
  entity: string
  number: number
}

function notesOf(tab: string) {
  return Array.from({ length: EACH }, (_, number) => {
    const entity = ENTITIES[number % ENTITIES.length] ?? ''
    return { url: '/api/notes', json: { tab, entity, number } satisfies Note, entity }
  })
}

function noteIn({ json }: Arrival): Note {
  return json as Note
}

function numbersOf(arrivals: Arrival[], tab: string, entity: string): number[] {
  const notes = arrivals.map(noteIn).filter(note => note.tab === tab && note.entity === entity)
  return notes.map(({ number }) => number)
}

function numbersIn(entity: string): number[] {
  return notesOf('')
    .filter(note => note.entity === entity)
    .map(({ json }) => json.number)
}
