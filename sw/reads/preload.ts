import type { ReadPart } from './read-part.ts'

/**
 * Has the browser ask for a page while the worker starts (Service Workers §5.3.5), for apps whose pages come from the
 * network first. A page of the precache is asked for in vain.
 */
export const navigationPreload: ReadPart = ({ scope }) => {
  scope.addEventListener('activate', event => {
    event.waitUntil(scope.registration.navigationPreload?.enable())
  })
  return {}
}
