import { Route } from 'workbox-routing/Route.js'
import { NetworkOnly } from 'workbox-strategies/NetworkOnly.js'
import type { ReadPart } from './read-part.ts'

/** Gives this file of the precache in place of an image that neither the network nor a cache has. */
export function imageFallback(file: string): ReadPart {
  return ({ precache }) => {
    const url = new URL(file, location.href).href
    const isImage = ({ destination }: Request) => destination === 'image'
    return {
      // After all rules: what none of them answers goes to the network as it would without a worker.
      routes: [new Route(({ request }) => isImage(request), new NetworkOnly())],
      standIn: async ({ request }) => (isImage(request) ? precache.controller.matchPrecache(url) : undefined),
    }
  }
}
