import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Chromium, startChromium } from './chromium.ts'
import { createNetwork, type Network, removeNetwork } from './network.ts'
import { type NotesServer, startNotesServer } from './notes-server.ts'

/** What a case has to itself: a network, a server at its far end, and a profile for the browser on the device. */
export interface Stage {
  network: Network
  server: NotesServer
  /** Starts the browser, or starts it again, with the same profile. */
  startBrowser(): Chromium
  /** Says what was measured. */
  tell(line: string): void
}

export interface StageOptions {
  /** Where the app was built. */
  site: string
  /** A folder for the profile, which whoever made it removes. */
  folder: string
}

export async function withStage({ site, folder }: StageOptions, act: (stage: Stage) => Promise<void>): Promise<void> {
  const network = createNetwork()
  try {
    const server = await startNotesServer(network.address, site)
    mkdirSync(folder, { recursive: true })
    const startBrowser = () => {
      return startChromium({ namespace: network.namespace, profile: join(folder, 'profile'), origin: server.origin })
    }
    await act({ network, server, startBrowser, tell: line => console.log(`     ${line}`) }).finally(server.close)
  } finally {
    removeNetwork(process.pid)
  }
}
