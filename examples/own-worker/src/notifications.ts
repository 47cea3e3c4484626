/** Tells the worker that a person sees the board; see its message listener. */
export function markRead(): void {
  if (document.visibilityState === 'visible') {
    navigator.serviceWorker.controller?.postMessage({ type: 'BOARD_READ' })
  }
}

/** Shows the button where nobody has been asked yet. */
export function offerNotifications(button: HTMLButtonElement): void {
  button.hidden = !('Notification' in window) || Notification.permission !== 'default'
  button.addEventListener('click', async () => {
    await Notification.requestPermission()
    button.hidden = true
  })
}
