import type { WorkerLocation } from './worker-location.ts'

/**
 * Writes where the worker is as a JavaScript expression. Under a relative base it begins at the script that holds it:
 * pages of one app lie in several folders, and a browser would look beside each of them. How far up that is, is known
 * when the script has its name; `withWayUp` fills it in then.
 */
export function locationSource(location: WorkerLocation | false): string {
  if (!location) return 'false'
  const sources = Object.entries(location).flatMap(([key, value]) => {
    if (value === undefined) return []
    const isAddress = key === 'url' || key === 'scope'
    return `${JSON.stringify(key)}: ${isAddress ? addressSource(value) : JSON.stringify(value)}`
  })
  return `{${sources.join(', ')}}`
}

/** The same for one address. */
export function addressSource(address: string): string {
  if (/^(?:\/|https?:)/.test(address)) return JSON.stringify(address)
  const fromBase = address.replace(/^\.\//, '')
  return `new URL(/* @vite-ignore */${JSON.stringify(WAY_UP + fromBase)},import.meta.url).href`
}

/** The way from a script to the base, in the code of that script. The length stays, and with it the source map. */
export function withWayUp(code: string, fileName: string): string {
  const up = '../'.repeat(fileName.split('/').length - 1) || './'
  // Spaces around an address are left out when it is parsed.
  return code.replaceAll(WAY_UP, up.padStart(WAY_UP.length))
}

/** Holds up to twelve folders. */
export const WAY_UP = '__HOLDFAST_WAY_FROM_HERE_TO_BASE__/__/'
