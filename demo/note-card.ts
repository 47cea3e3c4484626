import { find } from './elements.ts'
import type { ShownNote } from './merge-notes.ts'
import { clockTime } from './status-sentence.ts'

/** What a person can do with a note. */
export interface NoteActions {
  /** Takes the text of a refused note back into the field. */
  edit(note: ShownNote): void
  retry(note: ShownNote): void
  discard(note: ShownNote): void
  remove(note: ShownNote): void
}

export interface NoteCard {
  element: HTMLElement
  show(note: ShownNote): void
}

const LABELS: Record<ShownNote['state'], string> = {
  waiting: 'Waiting on this device',
  sending: 'Sending…',
  saved: 'Saved',
  refused: 'Refused',
}

/** Makes the card of one note. It is changed in place, so that focus and selection stay where they are. */
export function createNoteCard(template: HTMLTemplateElement, actions: NoteActions): NoteCard {
  const element = find('li', template.content.cloneNode(true) as DocumentFragment)
  const part = (selector: string) => find(selector, element)
  const buttons: Buttons = {
    edit: part('[data-testid="edit-note"]'),
    retry: part('[data-testid="retry"]'),
    discard: part('[data-testid="discard"]'),
    remove: part('[data-testid="delete-note"]'),
  }
  let current: ShownNote | undefined
  for (const name of ['edit', 'retry', 'discard', 'remove'] as const) {
    buttons[name].addEventListener('click', () => current && actions[name](current))
  }

  return {
    element,
    show(note) {
      if (JSON.stringify(note) === JSON.stringify(current)) return
      current = note
      element.dataset.noteId = note.id
      element.dataset.state = note.state
      part('[data-text]').textContent = note.text
      part('[data-label]').textContent = labelOf(note)
      showTime(part('[data-time]'), note)
      showReason(part('[data-reason]'), note)
      showButtons(part('.note-actions'), buttons, note)
    },
  }
}

function labelOf({ state, refusal }: ShownNote): string {
  return refusal?.kind === 'delete' ? 'Deletion refused' : LABELS[state]
}

function showTime(element: HTMLElement, { writtenAt }: ShownNote): void {
  const date = new Date(writtenAt)
  if (Number.isNaN(date.getTime())) return
  element.setAttribute('datetime', writtenAt)
  element.textContent = clockTime(date, new Date())
}

function showReason(element: HTMLElement, { refusal }: ShownNote): void {
  element.hidden = refusal === undefined
  element.textContent = refusal?.reason ?? ''
}

type Buttons = Record<keyof NoteActions, HTMLElement>

/** Only what can be done with the note is in the page. */
function showButtons(
  place: HTMLElement,
  { edit, retry, discard, remove }: Buttons,
  { refusal, text }: ShownNote,
): void {
  const isRefusedNote = refusal?.kind === 'write'
  const wanted = refusal ? [...(isRefusedNote ? [edit] : []), retry, discard] : [remove]
  discard.textContent = refusal?.kind === 'delete' ? 'Keep the note' : 'Discard'
  const shortText = text.length > 40 ? `${text.slice(0, 40)}…` : text
  for (const button of wanted) button.setAttribute('aria-label', `${button.textContent}: ${shortText}`)
  if (wanted[0]?.parentElement === place && place.children.length === wanted.length) return
  const hadFocus = place.contains(document.activeElement)
  place.replaceChildren(...wanted)
  if (hadFocus) wanted[0]?.focus()
}
