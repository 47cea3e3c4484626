/** What each write of the benches carries: about 180 bytes of JSON. */
export interface Note {
  id: string
  text: string
  tags: string[]
  done: boolean
}

export function noteOf(index: number): Note {
  const id = crypto.randomUUID()
  const text = `Note ${index}: low tide at noon, twelve oystercatchers on the north bank, two of them ringed.`
  return { id, text, tags: ['birds', 'tide'], done: false }
}

export function notesOf(count: number): Note[] {
  return Array.from({ length: count }, (_, index) => noteOf(index))
}
