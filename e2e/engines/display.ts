import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { XVFB_PATH } from '../../scripts/engines.ts'

export interface Display {
  name: string
  end(): void
}

/** Starts an X server without a screen, under a number that is free. */
export async function startDisplay(): Promise<Display> {
  const child = spawn(XVFB_PATH, ['-displayfd', '3', '-screen', '0', '1280x800x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const number = child.stdio[3] as Readable
  const [said] = await Promise.race([once(number, 'data'), once(child, 'exit')])
  if (child.exitCode !== null) throw new Error(`Xvfb did not start: it ended with ${child.exitCode}.`)
  return { name: `:${String(said).trim()}`, end: () => void child.kill('SIGKILL') }
}
