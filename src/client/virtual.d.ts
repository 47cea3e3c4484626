/** The module of Holdfast's Vite plugin that follows new versions of the app. */
declare module 'virtual:holdfast' {
  /** What `registerHoldfast` is given; nothing is required. */
  export interface RegisterOptions {
    /**
     * What becomes of a new version that is ready. `prompt`, the default: it waits until the app calls `update()`.
     * `auto`: it takes over by itself as soon as `mayReload` allows.
     */
    mode?: 'prompt' | 'auto'
    /**
     * Whether this tab may be reloaded at this moment: no while a form is dirty, for example. It is asked again every
     * second until it says yes. What it throws means no. Default: always yes.
     */
    mayReload?: () => boolean | Promise<boolean>
    /** A new version is ready and waits. Called in every tab, and again for each later version. Not in mode `auto`. */
    onNeedRefresh?: () => void
    /** The app was stored for the first time, and loads offline from now on. */
    onOfflineReady?: () => void
    /** The worker is registered. */
    onRegistered?: (registration: ServiceWorkerRegistration) => void
    /**
     * The worker could not be registered, or a version could not be installed; the version before it stays. A
     * `HoldfastError` of code `worker-unavailable`.
     */
    onError?: (error: Error) => void
    /** Ends the looking for new versions, and the reloading. */
    signal?: AbortSignal
  }

  /** The updates of this app, as seen from one tab. */
  export interface Updates {
    /**
     * Lets the version that waits take over, when no drain runs and `mayReload` allows; then every tab reloads once, each
     * when its own `mayReload` allows. Resolves when it has taken over; at once where none waits.
     */
    update(): Promise<void>
    /** Looks for a new version now. It is done each hour, and when the tab is shown, without asking. Never rejects. */
    check(): Promise<void>
  }

  /**
   * Registers the service worker after the page has loaded, and follows its new versions. A tab is never reloaded while
   * the outbox is being sent, from whichever tab or worker. On a server, and where the plugin builds no worker, it does
   * nothing.
   *
   * @example
   * const updates = registerHoldfast({
   *   onNeedRefresh: () => banner.show({ onAccept: () => updates.update() }),
   *   mayReload: () => !document.querySelector('form[data-dirty]'),
   * })
   */
  export function registerHoldfast(options?: RegisterOptions): Updates

  /** An answer that is newer than the one that pages were given. */
  export interface FreshAnswer {
    /** Its address, absolute. */
    url: string
  }

  /**
   * Calls the listener when the worker has stored a newer answer than the one that it gave: of a caching rule that
   * announces, as `stale-while-revalidate` does. To ask for that address again gives the new one. Every page hears it.
   *
   * @example
   * onFresh(({ url }) => {
   *   if (url.endsWith('/api/notes')) void showNotes()
   * })
   */
  export function onFresh(listener: (fresh: FreshAnswer) => void, options?: { signal?: AbortSignal }): void
}

/** Registers the service worker, and does no more. */
declare module 'virtual:holdfast/register' {}
