import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { createElection } from '../../tabs/election.ts'
import { simulateElections } from './elections.ts'
import { crashPlanOf, type ElectionPlan, electionPlanOf, TAKEOVER_WITHOUT_LOCKS_MS } from './elections-plan.ts'
import type { ElectionPlant } from './elections-tab.ts'

describe('the election under chaos', () => {
  it.each([0, 75, 150, 225])(
    'has one leader who counts, and soon one whom all know, in 75 runs from seed %i',
    async from => {
      for (let seed = from; seed < from + 75; seed += 1) {
        const { violations } = await simulateElections(electionPlanOf(seed))
        expect(violations, `electionPlanOf(${seed})`).toEqual([])
      }
    },
  )

  it('meets every kind of trouble, and leaders who act too late', async () => {
    const reached = new Set<string>()
    for (let seed = 0; seed < 40; seed += 1) {
      for (const what of (await simulateElections(electionPlanOf(seed))).reached.keys()) reached.add(what)
    }
    expect([...reached]).toEqual(expect.arrayContaining(TROUBLE))
  })

  it.each([3, 8, 19])('runs the same way twice from seed %i', async seed => {
    const [first, second] = [
      await simulateElections(electionPlanOf(seed)),
      await simulateElections(electionPlanOf(seed)),
    ]
    expect(second.hash).toBe(first.hash)
    expect(second.trace).toEqual(first.trace)
  })
})

describe('after a crash of the leader', () => {
  it('has another one as soon as the lock is free', async () => {
    for (let seed = 0; seed < 40; seed += 1) {
      const { violations } = await simulateElections(crashPlanOf(seed, 'works'))
      expect(violations, `crashPlanOf(${seed}, 'works')`).toEqual([])
    }
  })

  it('has another one within 1.2 s where there are no locks', async () => {
    let slowest = 0
    for (let seed = 0; seed < 80; seed += 1) {
      const { violations, settledAfterMs } = await simulateElections(crashPlanOf(seed, 'none'))
      expect(violations, `crashPlanOf(${seed}, 'none')`).toEqual([])
      slowest = Math.max(slowest, settledAfterMs)
    }
    expect(slowest).toBeGreaterThan(TAKEOVER_WITHOUT_LOCKS_MS / 2)
  })
})

const TROUBLE = ['crash', 'close', 'freeze', 'stop', 'cache', 'hide', 'loss', 'delay', 'refuse'].concat(
  'acts accepted',
  'acts refused',
  'led without a term',
)

const crash = (seed: number) => crashPlanOf(seed, 'none')

/** Each takes a rule of the election away; the number of seeds is about ten times what it took. */
const PLANTS: [
  name: string,
  plant: () => Promise<ElectionPlant>,
  planOf: (seed: number) => ElectionPlan,
  check: string,
][] = [
  ['a tie that whoever speaks last wins', lastSpeakerWins, crash, 'one leader in time'],
  ['terms that do not grow', termsWithoutFence, electionPlanOf, 'one effective leader'],
  ['a leader that stays when it hears of a later one', leaderThatStays, electionPlanOf, 'steps down'],
  ['a leader that acts with any term', fenceThatLetsAllPass, electionPlanOf, 'fence'],
]

describe('a planted bug', () => {
  it.each(PLANTS)('is found: %s', async (_name, plant, planOf, check) => {
    const found = new Set<string>()
    for (let seed = 0; seed < 60 && !found.has(check); seed += 1) {
      for (const one of (await simulateElections(planOf(seed), { plant: await plant() })).violations)
        found.add(one.check)
    }
    expect([...found]).toContain(check)
  })
})

/** Both sides of a tie take the other's side. */
function lastSpeakerWins(): Promise<ElectionPlant> {
  return altered('one.term === other.term ? one.id < other.id :', 'one.term === other.term ? false :')
}

function leaderThatStays(): Promise<ElectionPlant> {
  return altered('    own?.end.abort()\n    claimed?.withdraw.abort()\n', '    claimed?.withdraw.abort()\n')
}

/** A new leader goes on with the term of the one before. */
async function termsWithoutFence(): Promise<ElectionPlant> {
  return { ports: ports => ({ ...ports, terms: { ...ports.terms, next: async above => Math.max(above, 1) } }) }
}

/** As if a leader always found its own term in the database. */
async function fenceThatLetsAllPass(): Promise<ElectionPlant> {
  return { isFenced: false }
}

const folder = mkdtempSync(join(tmpdir(), 'holdfast-election-'))
afterAll(() => rmSync(folder, { recursive: true }))
let copies = 0

/** The election with one piece of its code replaced, in a copy. */
async function altered(piece: string, by: string): Promise<ElectionPlant> {
  const tabs = resolve(import.meta.dirname, '../../tabs')
  const source = readFileSync(join(tabs, 'election.ts'), 'utf8')
  expect(source.split(piece), `election.ts has once: ${piece}`).toHaveLength(2)
  copies += 1
  const copy = join(folder, `election-${copies}.ts`)
  writeFileSync(copy, source.replace(piece, by).replaceAll("from './", `from '${tabs}/`))
  const module: { createElection: typeof createElection } = await import(copy)
  return { createElection: module.createElection }
}
