import { createHoldfast, type Holdfast } from 'holdfast'
import { startComposer } from './composer.ts'
import { openDeviceCopy } from './device-copy.ts'
import { createNotes } from './notes.ts'
import { createNotice } from './notice.ts'
import { fetchServerList } from './server-list.ts'
import { startStatusLine } from './status-line.ts'
import { startSyncNow } from './sync-now.ts'
import { createView } from './view.ts'

declare global {
  interface Window {
    /** The client of this page, for the end-to-end tests and for whoever is curious in the console. */
    hf: Holdfast
  }
}

const hf = createHoldfast()
window.hf = hf

const notice = createNotice()
const onFailure = notice.failed
const act = (done: Promise<void>) => void done.then(notice.clear, onFailure)

const view = createView({
  edit: note => composer.edit(note),
  retry: note => act(notes.retry(note)),
  discard: note => act(notes.discard(note)),
  remove: note => act(notes.remove(note)),
})

let statusLine: ReturnType<typeof startStatusLine> | undefined
const notes = createNotes({
  hf,
  copy: openDeviceCopy(),
  fetchList: fetchServerList,
  isOnline: () => navigator.onLine,
  show(shown) {
    view(shown.notes)
    // Before the outbox was read there is nothing to say about what waits.
    statusLine ??= startStatusLine(hf.status)
    statusLine.update(shown)
    notice.storageUnavailable(!shown.hasStorage)
  },
})

const composer = startComposer({
  async add(text, replaced) {
    await notes.add(text)
    // Only now: until the new note is durable, the refused one is the only copy of the text.
    if (replaced) await notes.discard(replaced)
    notice.clear()
  },
  onFailure,
})
startSyncNow({
  async sync() {
    await hf.sync()
    await notes.refresh()
    notice.clear()
  },
  onFailure,
})

addEventListener('online', () => void notes.refresh())
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') void notes.refresh()
})
void notes.start()
