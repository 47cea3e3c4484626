import type { Item } from '../../shown-items.ts'

export type Sent = { kind: 'saved' } | { kind: 'kept' } | { kind: 'failed'; why: string; text: string }

/** Sends a reading by fetch() alone, and tells what is done from what is kept, and from what is lost. */
export async function sendReading(reading: Item): Promise<Sent> {
  const { text } = reading
  const headers = { 'Content-Type': 'application/json' }
  try {
    const response = await fetch('/api/items', { method: 'POST', headers, body: JSON.stringify(reading) })
    // 202: the server was out of reach; the worker has the write and delivers it later, whatever becomes of this page.
    if (response.headers.has('Holdfast-Receipt')) return { kind: 'kept' }
    if (response.ok) return { kind: 'saved' }
    const { detail } = await response.json()
    return { kind: 'failed', why: detail, text }
  } catch {
    // No network and no worker yet, as on a first visit, or a device that is full.
    return { kind: 'failed', why: 'It could neither be sent nor kept.', text }
  }
}
