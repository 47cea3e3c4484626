// Airplane mode with a real link: the system's Chromium in a network namespace, the server at the other end of a cable.
import { readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { aBrowserKilledInAirplaneMode } from '../e2e/airplane/a-browser-killed-in-airplane-mode.ts'
import { airplaneModeWithNoTabOpen, writtenAsTheLinkIsLost } from '../e2e/airplane/airplane-mode-with-no-tab-open.ts'
import { anAnswerThatWasLost } from '../e2e/airplane/an-answer-that-was-lost.ts'
import { droppedPacketsWithATabOpen, droppedPacketsWithNoTabOpen } from '../e2e/airplane/dropped-packets.ts'
import { isRunning } from '../e2e/airplane/is-running.ts'
import { networkOwners, removeNetwork, whyNoNetwork } from '../e2e/airplane/network.ts'
import { buildSite } from '../e2e/airplane/site.ts'
import { type Stage, type StageOptions, withStage } from '../e2e/airplane/stage.ts'

const CASES: Record<string, (stage: Stage) => Promise<void>> = {
  'notes written in airplane mode arrive when the link is back, with no tab open': airplaneModeWithNoTabOpen,
  'notes written at the moment at which the link is lost arrive when it is back, with no tab open':
    writtenAsTheLinkIsLost,
  'notes written while every packet is dropped arrive when packets pass again': droppedPacketsWithATabOpen,
  'notes written while every packet is dropped arrive with no tab open': droppedPacketsWithNoTabOpen,
  'a write whose answer was lost is sent again with its key, and done once': anAnswerThatWasLost,
  'notes survive a browser that is killed in airplane mode, and arrive at its next start': aBrowserKilledInAirplaneMode,
}
const FOLDER_PREFIX = 'holdfast-airplane-'
const CASE_TIMEOUT_MS = 120_000

const reason = whyNoNetwork()
if (reason === undefined) await runAll(process.argv[2] ?? '')
else console.log(`skipped: airplane mode needs root and iproute2, and here ${reason}`)

/** Runs the cases whose title has that text. */
async function runAll(text: string): Promise<void> {
  removeLeftovers()
  const folder = folderOf(process.pid)
  process.on('exit', () => {
    removeNetwork(process.pid)
    removeFolder(folder)
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130))

  const site = await buildSite(join(folder, 'app'))
  const chosen = Object.entries(CASES).filter(([title]) => title.includes(text))
  let failed = 0
  for (const [index, [title, act]] of chosen.entries()) {
    if (!(await passes(title, { site, folder: join(folder, `case-${index}`) }, act))) failed += 1
  }
  console.log(`${chosen.length - failed} passed, ${failed} failed`)
  // A browser that did not end, or a server with a connection, must not keep this running.
  process.exit(failed > 0 ? 1 : 0)
}

async function passes(title: string, options: StageOptions, act: (stage: Stage) => Promise<void>): Promise<boolean> {
  const startedAt = performance.now()
  const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(1)
  try {
    await withStage(options, stage => Promise.race([act(stage), timeout()]))
    console.log(`ok: ${title} (${seconds()} s)`)
    return true
  } catch (error) {
    console.log(`FAILED: ${title} (${seconds()} s)`)
    console.log(error)
    return false
  }
}

async function timeout(): Promise<never> {
  await sleep(CASE_TIMEOUT_MS, undefined, { ref: false })
  throw new Error(`The case did not end within ${CASE_TIMEOUT_MS} ms.`)
}

/** A run that was killed leaves its network and its folder. */
function removeLeftovers(): void {
  for (const pid of networkOwners()) if (!isRunning(pid)) removeNetwork(pid)
  for (const name of readdirSync(tmpdir()).filter(name => name.startsWith(FOLDER_PREFIX))) {
    if (!isRunning(Number(name.slice(FOLDER_PREFIX.length)))) removeFolder(join(tmpdir(), name))
  }
}

function folderOf(pid: number): string {
  return join(tmpdir(), `${FOLDER_PREFIX}${pid}`)
}

/** The last of a browser's processes may still be writing there. */
function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}
