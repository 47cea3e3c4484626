import { isHoldfastError } from 'holdfast'
import { find } from './elements.ts'

export interface Notice {
  /** Shows why something could not be done. */
  failed(error: unknown): void
  clear(): void
  /** Stays on the screen until it is over. */
  storageUnavailable(isUnavailable: boolean): void
}

const NO_STORAGE =
  'This browser gives the app no storage (a private window, or blocked site data), so no note can be kept here. ' +
  'Nothing that you write now would be saved.'

/** The place for what a person must know and may have to act on. */
export function createNotice(): Notice {
  const element = find('[data-notice]')
  let failure = ''
  let isWithoutStorage = false

  function show(): void {
    const text = isWithoutStorage ? NO_STORAGE : failure
    if (element.textContent !== text) element.textContent = text
    element.hidden = text === ''
  }

  return {
    failed(error) {
      failure = isHoldfastError(error) ? error.message : `That did not work: ${String(error)}`
      show()
    },
    clear() {
      failure = ''
      show()
    },
    storageUnavailable(isUnavailable) {
      isWithoutStorage = isUnavailable
      show()
    },
  }
}
