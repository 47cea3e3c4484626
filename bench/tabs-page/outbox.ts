import { createHoldfast, type Holdfast } from 'holdfast'

let hf: Holdfast | undefined

/** The outbox of this tab, opened with the first call. */
export function openHoldfast(): Holdfast {
  hf ??= createHoldfast()
  return hf
}
