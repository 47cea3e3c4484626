import { Queue, type QueueOptions } from './queue.ts'

/**
 * A plugin for the strategies of Workbox: a request that fails for want of a network is kept in a `Queue` of that name, and
 * sent later. Takes the place of the class of that name in workbox-background-sync.
 *
 * @example
 * import { BackgroundSyncPlugin } from 'holdfast/workbox'
 *
 * const later = new BackgroundSyncPlugin('notes', { maxRetentionTime: 24 * 60 })
 * registerRoute(/\/api\/notes/, new NetworkOnly({ plugins: [later] }), 'POST')
 */
export class BackgroundSyncPlugin {
  readonly #queue: Queue

  constructor(name: string, options?: QueueOptions) {
    this.#queue = new Queue(name, options)
  }

  /** Called by the strategy. */
  readonly fetchDidFail = async ({ request }: { request: Request }): Promise<void> => {
    await this.#queue.pushRequest({ request })
  }
}
