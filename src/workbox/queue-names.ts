import { queueError } from './queue-error.ts'

/**
 * Takes a name for the only queue of this context that may have it: two would replay the same requests. The names are kept
 * with the context and not in this module, so that a second copy of it knows them too.
 */
export function takeQueueName(name: string, context: object = globalThis): void {
  const holder = context as { [REGISTRY]?: Set<string> }
  holder[REGISTRY] ??= new Set()
  if (holder[REGISTRY].has(name)) throw queueError('duplicate-queue-name', name)
  holder[REGISTRY].add(name)
}

const REGISTRY = Symbol.for('holdfast.workbox.queue-names')
