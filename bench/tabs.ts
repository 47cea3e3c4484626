/**
 * How soon one tab of several leads, how soon another does when the leader has gone, how soon a tab sees the write of
 * another one, and what the way through the outbox adds to a request.
 *
 * All in one headless Chromium, on a profile on the disk, with an app that was built with the plugin and has its worker.
 *
 * - Elections: in tabs just opened, who takes part one after the other, in an order that turns around with each round.
 * - Failovers: three tabs, in which one leads for all contenders at once. It is closed, or its process is ended
 *   (`Page.crash`), and all of them lose their leader at that moment. Without Web Locks, `navigator.locks` is taken away
 *   before the app starts; then the leader ends at moments spread evenly over the three seconds between two looks of
 *   broadcast-channel.
 * - Writes: ours and those by hand take turns, with nothing else under way.
 *
 * A moment in one tab is compared with one in another, or in Node, by `performance.timeOrigin + performance.now()`, which
 * is one clock on one machine; the report says how far page and Node are apart. What Chromium does to timers of hidden tabs
 * is not in the figures: no tab is hidden in a headless browser.
 */
import { type BenchPage, describeMachine, withPage } from './browser.ts'
import { electionTable, measureElections } from './tabs-election.ts'
import { failoverRatios, failoverTimes, measureFailovers } from './tabs-failover.ts'
import { withTabs } from './tabs-open.ts'
import { clock } from './tabs-page/clock.ts'
import { measureRoundTrips, measureSights, roundTripTable, roundTripTimes, sightTable } from './tabs-writes.ts'

/** Measures, and gives the report to print. */
export function measureTabs(): Promise<string> {
  // Playwright would have each request of the worker reported, at about the price of the request.
  process.env.PLAYWRIGHT_DISABLE_SERVICE_WORKER_NETWORK = '1'
  return withPage('tabs-page', measure)
}

async function measure(opened: BenchPage): Promise<string> {
  const apart = await clocksApart(opened)
  const roundTrips = await measureRoundTrips(opened)
  const sights = await measureSights(opened)
  const elections = await measureElections(opened)
  const failovers = await measureFailovers(opened)
  return [
    'tabs: electing a leader, failing over, and a write from tab to tab and to the server',
    describeMachine(opened),
    '',
    failoverRatios(failovers),
    '',
    roundTripTable(roundTrips),
    '',
    failoverTimes(failovers),
    '',
    electionTable(elections),
    '',
    sightTable(sights),
    '',
    roundTripTimes(roundTrips),
    '',
    'Ratios and differences are taken round by round: the median, and the quartiles in brackets.',
    `The clocks of a page and of Node are ${apart.toFixed(2)} ms apart.`,
  ].join('\n')
}

/** By the fastest of some questions, which leaves the least room for error. */
function clocksApart(opened: BenchPage): Promise<number> {
  return withTabs(opened, { count: 1 }, async ([tab]) => {
    let best = { took: Number.POSITIVE_INFINITY, apart: Number.NaN }
    for (let index = 0; index < 30; index += 1) {
      const askedAt = clock()
      const there = (await tab?.call('clock')) ?? Number.NaN
      const took = clock() - askedAt
      if (took < best.took) best = { took, apart: there - askedAt - took / 2 }
    }
    return best.apart
  })
}
