// The browser suite of one engine without Background Sync: `e2e-engine.ts firefox`, `e2e-engine.ts webkit`. What follows
// goes to Vitest. It ends by itself, and leaves no browser behind, whatever happens to Vitest.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { ENGINE_NAMES, whySkipped } from './engines.ts'

/** A suite takes about a minute. */
const LONGEST_MS = 300_000

const [wanted, ...rest] = process.argv.slice(2)
const engine = ENGINE_NAMES.find(name => name === wanted)
if (!engine)
  throw new Error(`Failed to run a suite: there is no engine "${wanted}". Name one: ${ENGINE_NAMES.join(', ')}.`)

const skipped = whySkipped(engine)
if (skipped) console.log(skipped)
else process.exitCode = await runSuite(engine, rest)

async function runSuite(project: string, args: string[]): Promise<number> {
  const mark = `HOLDFAST_ENGINE_RUN=${randomUUID()}`
  const [name = '', value = ''] = mark.split('=')
  const vitest = spawn(
    'npx',
    ['vitest', 'run', '--config', 'vitest.engines.config.ts', '--project', project, ...args],
    { stdio: 'inherit', env: { ...process.env, [name]: value } },
  )
  const late = setTimeout(() => {
    console.error(`Failed to end the suite within ${LONGEST_MS / 1000} s.`)
    endMarked(mark)
  }, LONGEST_MS)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => endMarked(mark))
  const code = await exitCode(vitest)
  clearTimeout(late)
  endMarked(mark)
  return code
}

async function exitCode(child: ChildProcess): Promise<number> {
  const [code] = await once(child, 'exit')
  return code ?? 1
}

/** Ends every process that the run has started: they have its mark from it, in whatever group they are. */
function endMarked(mark: string): void {
  for (const pid of pids()) {
    try {
      if (readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark)) process.kill(pid, 'SIGKILL')
    } catch {
      // It has just ended, or is not ours.
    }
  }
}

/** Only Linux tells; elsewhere the tests' own clean-up has to do. */
function pids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Boolean)
  } catch {
    return []
  }
}
