import type { StatusStore, SyncStatus } from 'holdfast'
import { find } from './elements.ts'
import { nextRun, type Run, statusSentence } from './status-sentence.ts'

export interface StatusLine {
  /** Shows the status again: what waits has changed its kind. */
  update(view: { onlyNotesWait: boolean }): void
}

/** Keeps the line at the top true. */
export function startStatusLine(status: StatusStore): StatusLine {
  const line = find('[data-testid="status"]')
  const frame = find('[data-sync]')
  let run: Run = { done: 0, pending: 0 }
  let onlyNotesWait = true
  let timer: ReturnType<typeof setTimeout> | undefined

  function show(): void {
    const current = status.get()
    const text = statusSentence({ status: current, run, onlyNotesWait, now: new Date() })
    // Writing the same text again would make a screen reader say it again.
    if (line.textContent !== text) line.textContent = text
    frame.dataset.look = lookOf(current)
  }

  function follow(current: SyncStatus): void {
    run = nextRun(run, current)
    line.dataset.state = current.state
    line.dataset.pending = String(current.pending)
    line.dataset.dead = String(current.dead)
    clearTimeout(timer)
    // Between two sends there is a moment in which nothing is on its way; the words need not follow that.
    if (current.state === 'waiting') timer = setTimeout(show, CALM_MS)
    else show()
  }

  status.subscribe(follow)
  follow(status.get())
  return {
    update(view) {
      if (view.onlyNotesWait === onlyNotesWait) return
      onlyNotesWait = view.onlyNotesWait
      show()
    },
  }
}

const CALM_MS = 250

function lookOf({ state, dead, storage }: SyncStatus): string {
  if (storage === 'unavailable') return 'broken'
  return state === 'idle' && dead > 0 ? 'refused' : state
}
