import type { OutboxEntry, SyncStatus } from 'holdfast'
import type { Chromium, Tab } from './chromium.ts'
import type { Note } from './notes-server.ts'
import { until } from './until.ts'

/** A tab with the app. */
export interface AppPage extends Tab {
  /** Writes them down one after the other. Resolves when each is durable, with how long the slowest took, in milliseconds. */
  write(notes: readonly Note[]): Promise<number>
  status(): Promise<SyncStatus>
  waiting(): Promise<Pick<OutboxEntry, 'attempts' | 'lastError'>[]>
}

/** Resolves when the app runs and its worker has the page. */
export async function openApp(browser: Chromium, origin: string): Promise<AppPage> {
  const tab = await browser.openTab(`${origin}/`)
  await until('the worker has the page', () => {
    return tab.evaluate(() => window.hf !== undefined && navigator.serviceWorker.controller !== null)
  })
  return {
    ...tab,
    write: notes => tab.evaluate(writeAll, notes),
    status: () => tab.evaluate(() => window.hf.status.get()),
    waiting: () => {
      return tab.evaluate(async () => {
        const entries = await window.hf.outbox.list()
        return entries.map(({ attempts, lastError }) => ({ attempts, lastError }))
      })
    },
  }
}

async function writeAll(notes: readonly Note[]): Promise<number> {
  let slowestMs = 0
  for (const note of notes) {
    const startedAt = performance.now()
    await window.hf.mutate({ url: '/api/notes', entity: note.entity, json: note })
    slowestMs = Math.max(slowestMs, performance.now() - startedAt)
  }
  return Math.round(slowestMs)
}
