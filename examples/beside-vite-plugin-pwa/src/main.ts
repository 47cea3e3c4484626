import '../../style.css'
import { registerSW } from 'virtual:pwa-register'
import { createHoldfast } from 'holdfast'
import { createShownItems } from '../../shown-items.ts'
import { element, find, itemRow, onAdd, showStatus } from '../../view.ts'

// The worker of vite-plugin-pwa delivers the outbox. In development there is none; then this page does while it is open.
const hf = createHoldfast({ worker: import.meta.env.PROD && '/sw.js' })
const notes = createShownItems(hf)

// One entity for all: notes arrive in the order in which they were written.
onAdd(text => hf.mutate({ url: '/api/items', json: { id: crypto.randomUUID(), text }, entity: 'notes' }))
notes.subscribe(() => {
  find('ul').replaceChildren(...notes.get().map(note => itemRow(note, element('span', {}, note.text), hf.deadLetters)))
})
showStatus(hf.status)

// As before.
registerSW({
  // The first list was read before there was a worker to keep it.
  onOfflineReady: () => void notes.refresh(),
})
