import { HoldfastError } from '../protocol/errors.ts'

/** An image of the web app manifest (W3C Image Resource). */
export interface ManifestImage {
  /** Relative to the manifest, which lies directly under the base; or an address. */
  src: string
  /** `192x192`, several of them with spaces between, or `any` for a drawing without a size. */
  sizes?: string
  /** `image/png`. */
  type?: string
  /** `any`, `maskable`, `monochrome`, or several of them with spaces between. Default `any`. */
  purpose?: string
  label?: string
  form_factor?: 'narrow' | 'wide'
}

/**
 * The web app manifest (W3C Web Application Manifest, and its Incubations). Members that are not listed here are passed
 * on as they are. Defaults: `start_url` and `scope` are the app's base.
 */
export interface WebManifest {
  name?: string
  short_name?: string
  description?: string
  id?: string
  start_url?: string
  scope?: string
  display?: (typeof DISPLAYS)[number]
  display_override?: string[]
  orientation?: (typeof ORIENTATIONS)[number]
  /** Also put into every page, as `<meta name="theme-color">`. */
  theme_color?: string
  background_color?: string
  lang?: string
  dir?: (typeof DIRECTIONS)[number]
  icons?: ManifestImage[]
  screenshots?: ManifestImage[]
  shortcuts?: { name: string; short_name?: string; description?: string; url: string; icons?: ManifestImage[] }[]
  categories?: string[]
  related_applications?: { platform: string; url?: string; id?: string }[]
  prefer_related_applications?: boolean
  share_target?: object
  launch_handler?: object
  file_handlers?: object[]
  protocol_handlers?: object[]
  [member: string]: unknown
}

const DISPLAYS = ['fullscreen', 'standalone', 'minimal-ui', 'browser'] as const
const DIRECTIONS = ['ltr', 'rtl', 'auto'] as const
const ORIENTATIONS = [
  'any',
  'natural',
  'landscape',
  'landscape-primary',
  'landscape-secondary',
  'portrait',
  'portrait-primary',
  'portrait-secondary',
] as const

interface Kind {
  test: (value: unknown) => boolean
  wants: string
}

const isText = (value: unknown) => typeof value === 'string' && value.trim() !== ''
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const text: Kind = { test: isText, wants: 'a text that is not empty' }
const texts: Kind = { test: value => Array.isArray(value) && value.every(isText), wants: 'a list of texts' }
const object: Kind = { test: isObject, wants: 'an object' }
const objects: Kind = { test: value => Array.isArray(value) && value.every(isObject), wants: 'a list of objects' }
const flag: Kind = { test: value => typeof value === 'boolean', wants: 'true or false' }

function oneOf(words: readonly string[]): Kind {
  return { test: value => words.some(word => word === value), wants: `one of ${words.join(', ')}` }
}

function wordsOf(pattern: RegExp, wants: string): Kind {
  return {
    test: value =>
      typeof value === 'string' &&
      value
        .trim()
        .split(/\s+/)
        .every(word => pattern.test(word)),
    wants,
  }
}

const MEMBERS: Record<string, Kind> = {
  name: text,
  short_name: text,
  description: text,
  id: text,
  start_url: text,
  scope: text,
  display: oneOf(DISPLAYS),
  display_override: texts,
  orientation: oneOf(ORIENTATIONS),
  theme_color: text,
  background_color: text,
  lang: text,
  dir: oneOf(DIRECTIONS),
  icons: objects,
  screenshots: objects,
  shortcuts: objects,
  categories: texts,
  related_applications: objects,
  prefer_related_applications: flag,
  share_target: object,
  launch_handler: object,
  file_handlers: objects,
  protocol_handlers: objects,
}

const IMAGE: Record<string, Kind> = {
  src: text,
  sizes: wordsOf(/^(?:any|[1-9]\d*x[1-9]\d*)$/i, "sizes such as '192x192', or 'any'"),
  type: wordsOf(/^[\w.+-]+\/[\w.+-]+$/, "a media type such as 'image/png'"),
  purpose: wordsOf(
    /^(?:any|maskable|monochrome)$/,
    "any, maskable, monochrome, or several of them, as in 'any maskable'",
  ),
  label: text,
  form_factor: oneOf(['narrow', 'wide']),
}

const SHORTCUT: Record<string, Kind> = { name: text, short_name: text, description: text, url: text, icons: objects }

/**
 * Checks the manifest and fills in its defaults. Throws a `HoldfastError` with code `invalid-options` that names the first
 * member of a wrong type.
 */
export function checkWebManifest(manifest: unknown): WebManifest {
  if (!isObject(manifest)) throw invalid('manifest', object)
  checkMembers(manifest, MEMBERS, 'manifest')
  checkEach(manifest.icons, IMAGE, ['src'], 'manifest.icons')
  checkEach(manifest.screenshots, IMAGE, ['src'], 'manifest.screenshots')
  checkEach(manifest.shortcuts, SHORTCUT, ['name', 'url'], 'manifest.shortcuts')
  listOf(manifest.shortcuts).forEach(({ icons }, index) => {
    checkEach(icons, IMAGE, ['src'], `manifest.shortcuts[${index}].icons`)
  })
  return { start_url: './', scope: './', ...manifest }
}

function checkEach(list: unknown, kinds: Record<string, Kind>, required: string[], place: string): void {
  listOf(list).forEach((item, index) => {
    const given = { ...Object.fromEntries(required.map(name => [name, null])), ...item }
    checkMembers(given, kinds, `${place}[${index}]`)
  })
}

/** Other members than these may be newer than this list. */
function checkMembers(members: Record<string, unknown>, kinds: Record<string, Kind>, place: string): void {
  for (const [name, value] of Object.entries(members)) {
    const kind = kinds[name]
    if (kind && value !== undefined && !kind.test(value)) throw invalid(`${place}.${name}`, kind)
  }
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value : []
}

function invalid(place: string, { wants }: Kind): HoldfastError {
  return new HoldfastError({
    code: 'invalid-options',
    action: `use the option ${place}`,
    reason: `it is not ${wants}`,
    hint: `Pass ${wants}.`,
  })
}
