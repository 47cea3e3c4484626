/** The event of the WICG Background Sync draft (§6.3), which the TypeScript library does not know. */
export interface SyncEvent extends ExtendableEvent {
  readonly tag: string
  /** Whether the browser will not come again for this tag if the event fails. */
  readonly lastChance: boolean
}
