import { startHoldfast } from 'holdfast/sw'
import { BATCH_SIZE } from './batch-size.ts'
import { createByHand, createByHandInBatches } from './by-hand.ts'
import type { Call, Contender, WorkerContender } from './contender.ts'
import { createTanstack } from './tanstack.ts'
import { createWorkbox } from './workbox.ts'

/** The worker of the page: ours, and beside it everybody else, called by message. */
startHoldfast()

const contenders: Record<WorkerContender, Contender> = {
  byHand: createByHand(),
  byHandInBatches: createByHandInBatches(BATCH_SIZE),
  workbox: createWorkbox(),
  tanstack: createTanstack(),
}

addEventListener('message', event => {
  const [port] = event.ports
  if (port && isCall(event.data)) (event as ExtendableMessage).waitUntil(answer(event.data, port))
})

/** The DOM library, against which the benches are checked, has no service worker's events. */
type ExtendableMessage = MessageEvent & { waitUntil(work: Promise<unknown>): void }

function isCall(data: unknown): data is Call {
  return typeof data === 'object' && data !== null && 'contender' in data && 'step' in data
}

async function answer(call: Call, port: MessagePort): Promise<void> {
  try {
    const contender = contenders[call.contender]
    await (call.step === 'fill' ? contender.fill(call.notes, call.url) : contender.drain())
    port.postMessage(undefined)
  } catch (error) {
    port.postMessage(String(error))
  }
}
