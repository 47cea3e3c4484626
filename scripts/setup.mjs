// Sees to it that a Chromium is there for the browser tests: the system's own, installed where it is missing.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

if (!existsSync(process.env.CHROMIUM_PATH ?? '/usr/bin/chromium')) install()

function install() {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    console.error(
      'Failed to find Chromium: /usr/bin/chromium is missing. Install it (apt-get install -y chromium), or set CHROMIUM_PATH.',
    )
    process.exit(1)
  }
  console.log('Installing Chromium with apt-get…')
  run('apt-get', ['update', '-qq'])
  run('apt-get', ['install', '-y', '-qq', 'chromium'])
}

function run(command, args) {
  const { status } = spawnSync(command, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (status !== 0) process.exit(status ?? 1)
}
