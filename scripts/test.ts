// All checks and suites, in the order in which they fail fastest. The last line counts the tests of all suites.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ENGINE_NAMES, whySkipped } from './engines.ts'

interface Count {
  passed: number
  failed: number
}

const reports = mkdtempSync(join(tmpdir(), 'holdfast-reports-'))
const vitestReport = join(reports, 'vitest.json')
const playwrightReport = join(reports, 'playwright.json')

const total: Count = { passed: 0, failed: 0 }
const add = ({ passed, failed }: Count) => {
  total.passed += passed
  total.failed += failed
}

run('setup', 'npm', ['run', '--silent', 'setup'])
for (const step of ['build', 'lint', 'types', 'package', 'build:demo']) {
  add(run(step, 'npm', ['run', '--silent', step]) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 })
}
const unit = run('unit', 'npx', [
  'vitest',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${vitestReport}`,
])
add(suiteCount(unit, () => vitestCount(vitestReport)))
const e2e = run('e2e', 'npx', ['playwright', 'test', '--reporter=list,json'], {
  PLAYWRIGHT_JSON_OUTPUT_NAME: playwrightReport,
})
add(suiteCount(e2e, () => playwrightCount(playwrightReport)))
// Airplane mode is mostly waiting for a link to be down.
const airplane = startAirplane()
for (const engine of ENGINE_NAMES) add(engineSuite(engine))
add(await airplane)

rmSync(reports, { recursive: true, force: true })
process.exitCode = total.failed > 0 ? 1 : 0
console.log(`${total.passed} passed, ${total.failed} failed`)

function run(title: string, command: string, args: string[], env: Record<string, string> = {}): boolean {
  const startedAt = Date.now()
  const { status } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  console.log(`${status === 0 ? 'ok' : 'FAILED'}: ${title} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`)
  return status === 0
}

/** What cannot run here says so in one line. */
function engineSuite(engine: (typeof ENGINE_NAMES)[number]): Count {
  const skipped = whySkipped(engine)
  if (skipped) {
    console.log(skipped)
    return { passed: 0, failed: 0 }
  }
  const report = join(reports, `${engine}.json`)
  const suite = ['run', '--silent', `e2e:${engine}`, '--', '--reporter=default', '--reporter=json']
  const ok = run(`e2e:${engine}`, 'npm', [...suite, `--outputFile.json=${report}`])
  return suiteCount(ok, () => vitestCount(report))
}

/**
 * Runs beside the suites that follow, and shows what it has said when it has ended. Its last line counts; where it cannot
 * run it says so in one line, and counts nothing.
 */
async function startAirplane(): Promise<Count> {
  const log = join(reports, 'airplane.log')
  const output = openSync(log, 'w')
  const child = spawn('npm', ['run', '--silent', 'e2e:airplane'], { stdio: ['ignore', output, output] })
  const [status] = await once(child, 'exit')
  const text = readFileSync(log, 'utf8')
  process.stdout.write(text)
  const [, passed = 0, failed = status === 0 ? 0 : 1] = /^(\d+) passed, (\d+) failed$/m.exec(text) ?? []
  return { passed: Number(passed), failed: Number(failed) }
}

/** A suite that fails without a failed test (a file that cannot be loaded, a crash) counts as one failure. */
function suiteCount(ok: boolean, read: () => Count): Count {
  try {
    const count = read()
    return ok || count.failed > 0 ? count : { ...count, failed: 1 }
  } catch {
    return { passed: 0, failed: 1 }
  }
}

function vitestCount(file: string): Count {
  const report = JSON.parse(readFileSync(file, 'utf8')) as { numPassedTests: number; numFailedTests: number }
  return { passed: report.numPassedTests, failed: report.numFailedTests }
}

function playwrightCount(file: string): Count {
  const { stats } = JSON.parse(readFileSync(file, 'utf8')) as {
    stats: { expected: number; unexpected: number; flaky: number }
  }
  return { passed: stats.expected + stats.flaky, failed: stats.unexpected }
}
