import type { ManifestImage, WebManifest } from './web-manifest.ts'

export interface InstallabilityPorts {
  /** The app's base; a relative one counts as `/`. */
  base: string
  /** Whether the app has this file, relative to the base. */
  hasFile: (file: string) => boolean
}

const ORIGIN = 'https://app.example'

/**
 * What keeps browsers from offering to install the app, a line for each, after Chromium's rules: a name, icons of 192 and
 * 512 pixels that are there, a display mode of its own, a start inside of the scope. Empty where nothing does.
 */
export function whatPreventsInstalling(manifest: WebManifest, { base, hasFile }: InstallabilityPorts): string[] {
  const { name, short_name, icons = [], prefer_related_applications } = manifest
  const found: string[] = []
  if (!name && !short_name) found.push('it has no name: set name or short_name')
  for (const size of [192, 512]) {
    if (!icons.some(icon => fits(icon, size))) found.push(`it has no icon of ${size}x${size} pixels with purpose "any"`)
  }
  for (const { src } of icons) {
    const file = fileOf(src, base)
    if (file === undefined) found.push(`the icon ${src} lies outside of the base ${base}: write it without a leading /`)
    else if (file && !hasFile(file)) found.push(`the icon ${src} is missing: put it into the folder public`)
  }
  if (!isWithinScope(manifest, base)) {
    found.push(`start_url ${manifest.start_url} is outside of scope ${manifest.scope}`)
  }
  const display = displayFault(manifest)
  if (display) found.push(display)
  if (prefer_related_applications) found.push('prefer_related_applications asks browsers to offer another app instead')
  return found
}

function fits({ sizes = '', purpose = 'any' }: ManifestImage, size: number): boolean {
  const isForAny = purpose.trim().split(/\s+/).includes('any')
  return (
    isForAny &&
    sizes
      .toLowerCase()
      .split(/\s+/)
      .some(word => word === 'any' || word === `${size}x${size}`)
  )
}

/** Relative to the base; nothing for an address elsewhere, undefined for a path beyond the base. */
function fileOf(src: string, base: string): string | undefined {
  const { origin, pathname } = new URL(src, ORIGIN + base)
  if (origin !== ORIGIN) return ''
  return pathname.startsWith(base) ? decodeURIComponent(pathname.slice(base.length)) : undefined
}

/** W3C Web Application Manifest, "within scope": same origin, and a path that begins with the scope's. */
function isWithinScope({ start_url = './', scope = './' }: WebManifest, base: string): boolean {
  const start = new URL(start_url, ORIGIN + base)
  const within = new URL(scope, ORIGIN + base)
  return start.origin === within.origin && start.pathname.startsWith(within.pathname)
}

const OWN_WINDOW = ['fullscreen', 'standalone', 'minimal-ui', 'window-controls-overlay', 'tabbed']

function displayFault({ display, display_override = [] }: WebManifest): string | undefined {
  if (OWN_WINDOW.includes(display_override[0] ?? display ?? '')) return undefined
  if (display === undefined) return "it has no display: set display: 'standalone'"
  return `it is displayed as ${display_override[0] ?? display}: set display: 'standalone'`
}
