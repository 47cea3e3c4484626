import type { DeadLetters, StatusStore } from 'holdfast'
import type { ShownItem } from './shown-items.ts'
import { refusalText, statusText } from './status-text.ts'

/** The one element for a selector. The HTML and the code belong together, so a missing one is a mistake. */
export function find<E extends HTMLElement = HTMLElement>(selector: string): E {
  const found = document.querySelector<E>(selector)
  if (!found) throw new Error(`index.html has no ${selector}.`)
  return found
}

/** A new element with its properties and children. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<HTMLElementTagNameMap[Tag]>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = Object.assign(document.createElement(tag), properties)
  made.append(...children)
  return made
}

/** Keeps the status line true. */
export function showStatus(status: StatusStore): void {
  const line = find('.status')
  const show = () => {
    const now = status.get()
    line.dataset.state = now.state
    // Writing the same text again would make a screen reader say it again.
    if (line.textContent !== statusText(now)) line.textContent = statusText(now)
  }
  status.subscribe(show)
  show()
}

/** The row of an item; one that the server refused can be sent again, or given up. */
export function itemRow({ waits, letter }: ShownItem, content: HTMLElement, letters: DeadLetters): HTMLElement {
  if (waits) return element('li', { className: 'waits' }, content, element('small', {}, 'on this device'))
  if (!letter) return element('li', {}, content)
  return element(
    'li',
    { className: 'refused' },
    content,
    element('small', {}, refusalText(letter)),
    element('button', { type: 'button', onclick: () => void letters.retry(letter.id).catch(showError) }, 'Try again'),
    element('button', { type: 'button', onclick: () => void letters.discard(letter.id).catch(showError) }, 'Discard'),
  )
}

/** What was typed stays until it is safe on this device, or says why it is not. */
export function onAdd(add: (text: string) => Promise<unknown>): void {
  const input = find<HTMLInputElement>('#text')
  find('form').addEventListener('submit', event => {
    event.preventDefault()
    add(input.value).then(() => {
      input.value = ''
    }, showError)
  })
}

/** The device is full, for example, or another tab was quicker. */
export function showError(error: Error): void {
  find('.error').textContent = error.message
}
