import { find } from './elements.ts'

/** The button for those who would rather not wait for the next trigger. */
export function startSyncNow({
  sync,
  onFailure,
}: {
  sync: () => Promise<void>
  onFailure: (error: unknown) => void
}): void {
  const button = find<HTMLButtonElement>('[data-sync-now]')

  async function run(): Promise<void> {
    button.disabled = true
    try {
      await sync()
    } catch (error) {
      onFailure(error)
    } finally {
      button.disabled = false
    }
  }

  button.addEventListener('click', () => void run())
}
