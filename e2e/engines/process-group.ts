import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

interface Process {
  pid: number
  /** The first 15 letters of their names. */
  threads: string[]
}

/** The processes of a group which are not the leader's own: Linux only, like the browsers under test. */
export function membersOf(leader: number | undefined): Process[] {
  return (leader === undefined ? [] : pidsOf(leader))
    .filter(pid => pid !== leader)
    .map(pid => ({ pid, threads: threadsOf(pid) }))
}

/** Ends a process that was started `detached`, and its whole group; resolves when none of them runs. */
export async function endGroup(leader: number | undefined): Promise<void> {
  if (leader === undefined) return
  const deadline = Date.now() + 5_000
  while (pidsOf(leader).length > 0 && Date.now() < deadline) {
    try {
      process.kill(-leader, 'SIGKILL')
    } catch {
      // They have just gone.
    }
    await sleep(20)
  }
}

function pidsOf(group: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(pid => pid > 0 && groupOf(pid) === group)
}

/** proc_pid_stat(5): the name is in parentheses and may hold anything; then state, parent, group. */
function groupOf(pid: number): number | undefined {
  const [state, , group] = (read(`/proc/${pid}/stat`) ?? '').replace(/^.*\) /s, '').split(' ')
  return state === 'Z' ? undefined : Number(group)
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(task => read(`/proc/${pid}/task/${task}/comm`)?.trim() ?? '')
  } catch {
    return []
  }
}

/** What has just ended has no files any more. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
