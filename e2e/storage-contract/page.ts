import localforage from 'localforage'
import { openStorage } from '../../src/storage/open-storage.ts'
import { type ContractResult, type DriverUnderTest, runContract } from './run-contract.ts'

const inPage = {
  localforage,
  openStorage,
  runContract,

  inWorker(driver: DriverUnderTest): Promise<ContractResult> {
    return ask(new Worker('/worker.js'), driver)
  },

  async inServiceWorker(driver: DriverUnderTest, script = '/worker.js'): Promise<ContractResult> {
    await navigator.serviceWorker.register(script)
    const { active } = await navigator.serviceWorker.ready
    if (!active) throw new Error('no service worker is active')
    return ask(active, driver)
  },
}

declare global {
  var storageContract: typeof inPage
}

globalThis.storageContract = inPage

function ask(worker: Worker | ServiceWorker, driver: DriverUnderTest): Promise<ContractResult> {
  return new Promise((resolve, reject) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = event => resolve(event.data)
    worker.onerror = event => reject(new Error(String((event as ErrorEvent).message)))
    worker.postMessage(driver, [port2])
  })
}
