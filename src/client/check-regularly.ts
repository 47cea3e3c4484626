import type { UpdatePorts } from './register-holdfast.ts'

export interface RegularPorts extends Pick<UpdatePorts, 'document' | 'isOnline' | 'now'> {
  signal: AbortSignal
}

const HOUR_MS = 3_600_000

/** Who goes to and fro between two tabs need not ask the server each time. */
const LEAST_MS = 60_000

/**
 * Looks for a new version each hour and when the tab is shown, while there is a network: a tab that stays open for days
 * navigates nowhere, so that the browser itself does not look.
 */
export function checkRegularly(check: () => unknown, { document, isOnline, now, signal }: RegularPorts): void {
  let lastAt = now()
  const look = () => {
    if (!isOnline()) return
    lastAt = now()
    check()
  }
  const onShown = () => {
    if (document.visibilityState === 'visible' && now() - lastAt >= LEAST_MS) look()
  }
  if (signal.aborted) return
  const timer = setInterval(look, HOUR_MS)
  document.addEventListener('visibilitychange', onShown, { signal })
  signal.addEventListener('abort', () => clearInterval(timer), { once: true })
}
