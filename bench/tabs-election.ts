import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchPage } from './browser.ts'
import { median, percentile } from './statistics.ts'
import { table } from './table.ts'
import { CONTENDER_LABELS, contendersWith } from './tabs-contenders.ts'
import { type Tab, withTabs } from './tabs-open.ts'
import { clock } from './tabs-page/clock.ts'
import type { ContenderName } from './tabs-page/contenders.ts'

const ROUNDS = 10
const COUNTS = [1, 5] as const

/** From the order to stand, until the tabs do: all of them have heard it by then. */
const START_MS = 100

/** Longer than any of them needs to find out that there are two leaders. */
const SETTLE_MS = 600

interface Setting {
  locks: boolean
  count: number
}

interface Outcome {
  ms: number
  /** How many tabs led, at that moment or later. */
  leaders: number
}

type Outcomes = Record<ContenderName, Outcome[]>

/** How long it takes until one of so many tabs leads, from when the first of them began to take part. */
export interface Elections {
  setting: Setting
  outcomes: Outcomes
}

/** A first round of each setting is thrown away. */
export async function measureElections(opened: BenchPage): Promise<Elections[]> {
  const all: Elections[] = []
  for (const locks of [true, false]) {
    for (const count of COUNTS) all.push(await measureSetting(opened, { locks, count }))
  }
  return all
}

async function measureSetting(opened: BenchPage, setting: Setting): Promise<Elections> {
  const names = contendersWith(setting.locks)
  const outcomes: Outcomes = { ours: [], bareLock: [], broadcastChannel: [] }
  for (let round = 0; round <= ROUNDS; round += 1) {
    await withTabs(opened, setting, async tabs => {
      for (const name of round % 2 === 0 ? names : names.toReversed()) {
        const outcome = await elect(tabs, name)
        if (round > 0) outcomes[name].push(outcome)
      }
    })
  }
  return { setting, outcomes }
}

async function elect(tabs: Tab[], name: ContenderName): Promise<Outcome> {
  const at = clock() + START_MS
  const stoodAt = await Promise.all(tabs.map(tab => tab.call('stand', name, at)))
  const ledAt = await Promise.race(tabs.map(tab => tab.call('ledAt', name)))
  await sleep(SETTLE_MS)
  const leading = await Promise.all(tabs.map(tab => tab.call('leading', name)))
  return { ms: ledAt - Math.min(...stoodAt), leaders: leading.filter(({ ever }) => ever).length }
}

export function electionTable(all: Elections[]): string {
  const lines = all.flatMap(({ setting, outcomes }) =>
    contendersWith(setting.locks).map(name => [
      CONTENDER_LABELS[name],
      setting.locks ? 'yes' : 'no',
      String(setting.count),
      ...figuresOf(outcomes[name]),
    ]),
  )
  return table([['time to elect', 'Web Locks', 'tabs', 'median ms', 'p95 ms', 'leaders'], ...lines])
}

function figuresOf(outcomes: Outcome[]): string[] {
  const times = outcomes.map(({ ms }) => ms)
  const wrong = outcomes.filter(({ leaders }) => leaders !== 1)
  const verdict = wrong.length === 0 ? 'one, always' : `WRONG: ${wrong.map(({ leaders }) => leaders).join(', ')}`
  return [median(times).toFixed(1), percentile(times, 0.95).toFixed(1), verdict]
}
