import '../../style.css'
import { createHoldfast } from 'holdfast'
import { createShownItems, type Item, type ShownItem } from '../../shown-items.ts'
import { element, find, itemRow, onAdd, showError, showStatus } from '../../view.ts'
import { askForUpdates } from './ask-for-updates.ts'

const hf = createHoldfast()
const items = createShownItems(hf)

/** Resolves when it is safe on this device. Writes of one item arrive in their order; those of others do not wait for it. */
function save(method: 'POST' | 'PUT', url: string, item: Item) {
  return hf.mutate({ method, url, json: item, entity: `item:${item.id}` })
}

onAdd(text => save('POST', '/api/items', { id: crypto.randomUUID(), text, done: false }))
items.subscribe(showItems)
showStatus(hf.status)
askForUpdates({
  // The first list was read before there was a worker to keep it.
  onOfflineReady: () => void items.refresh(),
  mayReload: () => find<HTMLInputElement>('#text').value === '',
})

function showItems(): void {
  const focused = document.activeElement?.id
  find('ul').replaceChildren(...items.get().map(item => itemRow(item, tickBox(item), hf.deadLetters)))
  if (focused) document.getElementById(focused)?.focus()
}

function tickBox({ id, text, done = false, letter }: ShownItem): HTMLElement {
  const box = element('input', { type: 'checkbox', id, checked: done, disabled: letter !== undefined })
  box.addEventListener('change', () => {
    save('PUT', `/api/items/${id}`, { id, text, done: box.checked }).catch(showError)
  })
  return element('label', {}, box, element('span', {}, text))
}
