import { useActionState } from 'react'
import type { ShownItem } from '../../shown-items.ts'
import { refusalText, statusText } from '../../status-text.ts'
import { hf, readings, useReadings, useStatus } from './holdfast.ts'
import { type Sent, sendReading } from './send-reading.ts'

export function App() {
  const status = useStatus()
  return (
    <main>
      <header>
        <h1>Tide log</h1>
        <p className="status" role="status" data-state={status.state}>
          {statusText(status)}
        </p>
      </header>
      <AddReading />
      <ul aria-label="Readings" data-empty="No readings yet. Take one, with a network or without.">
        {useReadings().map(reading => (
          <Reading key={reading.id} {...reading} />
        ))}
      </ul>
    </main>
  )
}

const ANSWERS = { saved: 'Saved.', kept: 'Kept on this device, and sent when there is a network.' }

function AddReading() {
  const [sent, add, isSending] = useActionState(async (_last: Sent | undefined, form: FormData) => {
    const sent = await sendReading({ id: crypto.randomUUID(), text: String(form.get('text')) })
    void readings.refresh()
    return sent
  }, undefined)
  return (
    <form action={add}>
      <label htmlFor="text">Time, place and height</label>
      <div className="field">
        <input
          id="text"
          name="text"
          required
          autoComplete="off"
          placeholder="14:05, Old Pier, 1.8 m"
          // React empties the form after its action: what could not be kept comes back.
          defaultValue={sent?.kind === 'failed' ? sent.text : ''}
        />
        <button type="submit" disabled={isSending}>
          Add
        </button>
      </div>
      <p className={sent?.kind === 'failed' ? 'error' : 'hint'} aria-live="polite">
        {sent && (sent.kind === 'failed' ? sent.why : ANSWERS[sent.kind])}
      </p>
    </form>
  )
}

function Reading({ text, waits, letter }: ShownItem) {
  if (waits) {
    return (
      <li className="waits">
        <span>{text}</span>
        <small>on this device</small>
      </li>
    )
  }
  if (!letter) return <li>{text}</li>
  return (
    <li className="refused">
      <span>{text}</span>
      <small>{refusalText(letter)}</small>
      <button type="button" onClick={() => void hf.deadLetters.retry(letter.id)}>
        Try again
      </button>
      <button type="button" onClick={() => void hf.deadLetters.discard(letter.id)}>
        Discard
      </button>
    </li>
  )
}
