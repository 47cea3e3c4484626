import { existsSync } from 'node:fs'

/** Browsers without Background Sync, as the system's packages bring them. */
export const FIREFOX_PATH = process.env.FIREFOX_PATH ?? '/usr/bin/firefox-esr'
export const WEBKIT_DRIVER_PATH = process.env.WEBKIT_DRIVER_PATH ?? '/usr/bin/WebKitWebDriver'
export const MINIBROWSER_PATH = process.env.MINIBROWSER_PATH ?? '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser'
export const XVFB_PATH = process.env.XVFB_PATH ?? '/usr/bin/Xvfb'

const NEEDED = {
  firefox: { 'firefox-esr': [FIREFOX_PATH] },
  webkit: { 'webkit2gtk-driver': [WEBKIT_DRIVER_PATH, MINIBROWSER_PATH], xvfb: [XVFB_PATH] },
}

export const ENGINE_NAMES = ['firefox', 'webkit'] as const

/** The line that says why the suite of an engine cannot run here; nothing where it can. */
export function whySkipped(engine: (typeof ENGINE_NAMES)[number]): string | undefined {
  const missing = Object.entries(NEEDED[engine]).filter(([, files]) => !files.every(file => existsSync(file)))
  if (missing.length === 0) return undefined
  const names = missing.map(([name]) => name)
  const areMissing =
    names.length > 1 ? 'are not installed; npm run setup installs them' : 'is not installed; npm run setup installs it'
  return `skipped: e2e:${engine} (${names.join(' and ')} ${areMissing})`
}
