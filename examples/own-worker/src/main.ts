import '../../style.css'
import { registerHoldfast } from 'virtual:holdfast'
import { createHoldfast } from 'holdfast'
import { createShownItems } from '../../shown-items.ts'
import { element, find, itemRow, onAdd, showStatus } from '../../view.ts'
import { markRead, offerNotifications } from './notifications.ts'

const hf = createHoldfast()
const messages = createShownItems(hf)

// One entity for all: messages arrive in the order in which they were written.
onAdd(text => hf.mutate({ url: '/api/items', json: { id: crypto.randomUUID(), text }, entity: 'messages' }))
messages.subscribe(() => {
  find('ul').replaceChildren(
    ...messages.get().map(message => itemRow(message, element('span', {}, message.text), hf.deadLetters)),
  )
})
showStatus(hf.status)

const input = find<HTMLInputElement>('#text')
registerHoldfast({
  mode: 'auto',
  mayReload: () => input.value === '',
  // The first list was read before there was a worker to keep it.
  onOfflineReady: () => void messages.refresh(),
})

// What was shared from another app; see the fetch listener in sw.ts.
input.value = new URLSearchParams(location.search).get('text') ?? ''
history.replaceState(null, '', '/')

offerNotifications(find<HTMLButtonElement>('#notify'))
markRead()
document.addEventListener('visibilitychange', markRead)
