import { find } from './elements.ts'
import type { ShownNote } from './merge-notes.ts'
import { createNoteCard, type NoteActions, type NoteCard } from './note-card.ts'

/** Shows the list: one card per note, kept for as long as the note is there. */
export function createView(actions: NoteActions): (notes: readonly ShownNote[]) => void {
  const list = find('[data-notes]')
  const empty = find('[data-empty]')
  const template = find<HTMLTemplateElement>('[data-note-template]')
  const cards = new Map<string, NoteCard>()

  function cardOf(id: string): NoteCard {
    const card = cards.get(id) ?? createNoteCard(template, actions)
    cards.set(id, card)
    return card
  }

  return notes => {
    const ids = new Set(notes.map(({ id }) => id))
    for (const [id, card] of cards) {
      if (ids.has(id)) continue
      keepFocus(card.element)
      card.element.remove()
      cards.delete(id)
    }
    notes.forEach((note, index) => {
      const card = cardOf(note.id)
      card.show(note)
      // A card that is in its place is not moved: moving takes the focus away.
      if (list.children[index] !== card.element) list.insertBefore(card.element, list.children[index] ?? null)
    })
    empty.hidden = notes.length > 0
  }
}

/** Whoever deletes with the keyboard goes on with the next note, and after the last one with the field. */
function keepFocus(leaving: HTMLElement): void {
  if (!leaving.contains(document.activeElement)) return
  const neighbour = leaving.nextElementSibling ?? leaving.previousElementSibling
  const next = neighbour?.querySelector<HTMLElement>('button') ?? find('[data-testid="note-input"]')
  next.focus()
}
