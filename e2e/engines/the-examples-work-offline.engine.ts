import { beforeAll, onTestFinished } from 'vitest'
import { buildExamples, EXAMPLES, serveExample } from '../examples/examples.ts'
import type { Tab } from './engine-browser.ts'
import { expect, test, untilActivated } from './fixtures.ts'
import { startNetwork } from './network.ts'

let folder: string

beforeAll(async () => {
  folder = await buildExamples()
}, 120_000)

for (const example of EXAMPLES) {
  test(`the example ${example} starts offline, keeps what is written there, and delivers it once`, async ({
    browser,
  }) => {
    const server = await serveExample(example, folder)
    const network = await startNetwork(server.port)
    const tab = await browser.newTab(network.url)
    onTestFinished(async () => {
      await tab.close()
      network.close()
      await server.close()
    })
    await untilActivated(tab)
    await untilControlled(tab)
    await add(tab, 'Written online')
    await expect.poll(() => seen(tab)).toEqual(['Written online'])
    await expect.poll(() => server.texts()).toEqual(['Written online'])

    await network.offline()
    await tab.reload()
    await expect.poll(() => seen(tab)).toEqual(['Written online'])
    await add(tab, 'Written offline')
    await expect.poll(() => seen(tab)).toEqual(['Written online', 'Written offline, on this device'])
    await expect.poll(() => statusOf(tab)).toContain('1 change waits on this device.')
    expect(await server.texts()).toEqual(['Written online'])

    await network.online()
    await expect.poll(() => seen(tab)).toEqual(['Written online', 'Written offline'])
    await expect.poll(() => statusOf(tab)).toBe('Online. All saved.')
    expect(await server.texts()).toEqual(['Written online', 'Written offline'])
  })
}

/** The first visit comes before the worker, which then takes the page over. */
async function untilControlled(tab: Tab): Promise<void> {
  await expect.poll(() => tab.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true)
}

function add(tab: Tab, text: string): Promise<void> {
  return tab.evaluate(text => {
    const field = document.querySelector('input')
    if (!field?.form) throw new Error('There is no form.')
    field.value = text
    field.form.requestSubmit()
  }, text)
}

function seen(tab: Tab): Promise<string[]> {
  return tab.evaluate(() => {
    const rows = [...document.querySelectorAll('li')]
    return rows.map(row => [...row.childNodes].map(part => part.textContent).join(', '))
  })
}

function statusOf(tab: Tab): Promise<string> {
  return tab.evaluate(() => document.querySelector('[role=status]')?.textContent ?? '')
}
