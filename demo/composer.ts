import { find } from './elements.ts'
import type { ShownNote } from './merge-notes.ts'

/** What the server takes. A longer note is not held back here: the server's word counts, and the app shows it. */
const SERVER_LIMIT = 280

export interface Composer {
  /** Takes the text of a refused note into the field; adding it then replaces that note. A draft there is left alone. */
  edit(note: ShownNote): void
}

export interface ComposerPorts {
  add: (text: string, replaced?: ShownNote) => Promise<void>
  onFailure: (error: unknown) => void
}

/** Wires the form. The text comes back into the field if it could not be recorded. */
export function startComposer({ add, onFailure }: ComposerPorts): Composer {
  const form = find<HTMLFormElement>('[data-composer]')
  const input = find<HTMLTextAreaElement>('[data-testid="note-input"]')
  const label = find('[data-composer-label]')
  const length = find('[data-length]')
  let replaced: ShownNote | undefined

  function fill(text: string, replaces?: ShownNote): void {
    input.value = text
    replaced = replaces
    showDraft()
  }

  function showDraft(): void {
    // Whoever empties the field begins another note.
    if (input.value === '') replaced = undefined
    const over = [...input.value.trim()].length - SERVER_LIMIT
    length.textContent = lengthText(over)
    length.classList.toggle('over', over > 0)
    label.textContent = replaced ? 'Change the refused note' : 'New note'
  }

  async function submit(): Promise<void> {
    const text = input.value.trim()
    if (text === '') return input.focus()
    const replaces = replaced
    fill('')
    try {
      await add(text, replaces)
    } catch (error) {
      if (input.value === '') fill(text, replaces)
      onFailure(error)
    }
  }

  input.addEventListener('input', showDraft)
  input.addEventListener('keydown', event => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !event.isComposing) form.requestSubmit()
  })
  form.addEventListener('submit', event => {
    event.preventDefault()
    void submit()
  })
  return {
    edit(note) {
      if (input.value.trim() === '') fill(note.text, note)
      else if (replaced?.id !== note.id)
        onFailure('there is another text in the field. Add it first, or clear the field.')
      input.focus()
    },
  }
}

/** Says nothing while there is room enough. */
function lengthText(over: number): string {
  if (over > 0) return `${over} more than the server takes`
  return over > -50 ? `${-over} left` : ''
}
