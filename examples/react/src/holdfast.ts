import { createHoldfast, type SyncStatus } from 'holdfast'
import { useSyncExternalStore } from 'react'
import { createShownItems, type ShownItem } from '../../shown-items.ts'

/** The outbox into which the worker puts what does not reach the server. */
export const hf = createHoldfast()
export const readings = createShownItems(hf)

/** How things stand; what uses it is rendered again when that changes. */
export function useStatus(): SyncStatus {
  return useSyncExternalStore(hf.status.subscribe, hf.status.get)
}

export function useReadings(): ShownItem[] {
  return useSyncExternalStore(readings.subscribe, readings.get)
}
