import { type DriverUnderTest, runContract } from './run-contract.ts'

// The same script is a dedicated worker and a service worker: both are asked by a message, and answer on its port.
globalThis.addEventListener('message', (event: MessageEvent<DriverUnderTest>) => {
  void runContract(event.data).then(result => event.ports[0]?.postMessage(result))
})
