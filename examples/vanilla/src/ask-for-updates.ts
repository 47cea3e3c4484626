import { type RegisterOptions, registerHoldfast } from 'virtual:holdfast'
import { element, find } from '../../view.ts'

/** A new version waits until the person agrees; then every tab reloads, but not while something is being sent. */
export function askForUpdates(options: RegisterOptions): void {
  const updates = registerHoldfast({ ...options, onNeedRefresh: ask })

  function ask(): void {
    const button = element('button', { type: 'button' }, 'Use it now')
    button.addEventListener('click', () => {
      button.disabled = true
      void updates.update()
    })
    find('#update').replaceChildren('A new version is ready.', button)
  }
}
