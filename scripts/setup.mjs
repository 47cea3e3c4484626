// Sees to it that the browsers of the tests are there: the system's own, installed where they are missing. Chromium is
// needed; without Firefox or WebKitGTK their suites are skipped.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const OTHERS = {
  'firefox-esr': process.env.FIREFOX_PATH ?? '/usr/bin/firefox-esr',
  'webkit2gtk-driver': process.env.WEBKIT_DRIVER_PATH ?? '/usr/bin/WebKitWebDriver',
  xvfb: process.env.XVFB_PATH ?? '/usr/bin/Xvfb',
  iproute2: '/usr/sbin/ip',
}
const APT_GET = '/usr/bin/apt-get'
const mayInstall = process.getuid?.() === 0 && existsSync(APT_GET)

if (!existsSync(process.env.CHROMIUM_PATH ?? '/usr/bin/chromium')) installChromium()
const missing = Object.keys(OTHERS).filter(name => !existsSync(OTHERS[name]))
if (missing.length > 0) installOthers(missing)

function installChromium() {
  if (!mayInstall) {
    console.error(
      'Failed to find Chromium: /usr/bin/chromium is missing. Install it (apt-get install -y chromium), or set CHROMIUM_PATH.',
    )
    process.exit(1)
  }
  console.log('Installing Chromium with apt-get…')
  const status = run('update', '-qq') || run('install', '-y', '-qq', 'chromium')
  if (status !== 0) process.exit(status)
}

function installOthers(names) {
  if (mayInstall) console.log(`Installing ${names.join(', ')} with apt-get…`)
  if (mayInstall && (run('update', '-qq') || run('install', '-y', '-qq', ...names)) === 0) return
  console.log(
    `Not installed: ${names.join(', ')} (apt-get install -y ${names.join(' ')}). Their suites will be skipped.`,
  )
}

function run(...args) {
  const { status } = spawnSync(APT_GET, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  return status ?? 1
}
