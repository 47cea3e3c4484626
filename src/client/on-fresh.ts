import type { FreshAnswer } from 'virtual:holdfast'
import { isFreshMessage } from '../protocol/fresh.ts'

/** What `virtual:holdfast` exports; what is promised is told in virtual.d.ts. */
export function onFresh(
  listener: (fresh: FreshAnswer) => void,
  { signal }: { signal?: AbortSignal } = {},
  container: EventTarget | undefined = globalThis.navigator?.serviceWorker,
): void {
  const hear = (event: Event) => {
    const { data } = event as MessageEvent<unknown>
    if (isFreshMessage(data)) listener({ url: data.payload.updatedURL })
  }
  container?.addEventListener('message', hear, { signal })
  // Messages wait until the page asks for them, or has loaded (Service Workers §3.3).
  if (container && 'startMessages' in container) (container as ServiceWorkerContainer).startMessages()
}
