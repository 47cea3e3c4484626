import type { Tab } from './engine-browser.ts'

/** Which worker answers; another start of it is another one. A message to one that has just crashed may be lost. */
export function workerOf(tab: Tab): Promise<string> {
  return tab.evaluate(async () => {
    const { active } = await navigator.serviceWorker.ready
    return new Promise<string>(resolve => {
      const ask = () => {
        const { port1, port2 } = new MessageChannel()
        port1.onmessage = ({ data }) => {
          clearInterval(timer)
          resolve(data)
        }
        active?.postMessage('who', [port2])
      }
      const timer = setInterval(ask, 2_000)
      ask()
    })
  })
}
