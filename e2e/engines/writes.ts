import type { MutationInput } from 'holdfast'
import type { Arrival } from './app-server.ts'
import type { Tab } from './engine-browser.ts'

/** Writes in a tab, one after the other; resolves when all are on the device. */
export function write(tab: Tab, inputs: MutationInput[]): Promise<void> {
  return tab.evaluate(async inputs => {
    for (const input of inputs) await window.hf.mutate(input)
  }, inputs)
}

/** `count` writes of the numbers from 1 on, each of an entity of its own. */
export function numbers(count: number): MutationInput[] {
  return Array.from({ length: count }, (_, at) => ({ url: '/api/numbers', json: at + 1 }))
}

export function waiting(tab: Tab): Promise<number> {
  return tab.evaluate(() => window.hf.outbox.count())
}

/** What a server that honours the key has done: the first arrival of each, and never another write under the same one. */
export function done(arrivals: readonly Arrival[]): unknown[] {
  const byKey = new Map<string, unknown>()
  for (const { key, json } of arrivals) {
    if (!byKey.has(key)) byKey.set(key, json)
    if (JSON.stringify(byKey.get(key)) !== JSON.stringify(json)) throw new Error(`Two writes came under ${key}.`)
  }
  return [...byKey.values()]
}

/** The numbers from 1 to `count`, to compare with what was done, in its order or not. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at + 1)
}
