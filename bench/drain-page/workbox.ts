import { Queue } from 'workbox-background-sync/Queue.js'
import { type Contender, postOf } from './contender.ts'

/** The queue of Workbox. It needs a service worker: it reads `self.registration`. */
export function createWorkbox(): Contender {
  // The bench says when to replay, and not the sync events that each request would register.
  const queue = new Queue('drain', { forceSyncFallback: true, onSync: () => undefined })
  return {
    async fill(notes, url) {
      await Promise.all(notes.map(note => queue.pushRequest({ request: new Request(url, postOf(note, note.id)) })))
    },
    drain: () => queue.replayRequests(),
  }
}
