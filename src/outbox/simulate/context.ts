/** A tab or a worker: what can be killed and frozen by itself. */
export interface Context {
  name: string
  alive: boolean
  /** Virtual time until which nothing happens to it; 0 when it is not frozen. */
  frozenUntil: number
  /** Run when it is killed, and at the end of the run: what others hold on its behalf. */
  cleanups: Set<() => void>
}

export function createContext(name: string): Context {
  return { name, alive: true, frozenUntil: 0, cleanups: new Set() }
}

export function kill(context: Context): void {
  if (!context.alive) return
  context.alive = false
  release(context)
}

export function release({ cleanups }: Context): void {
  const all = [...cleanups]
  cleanups.clear()
  for (const cleanup of all) cleanup()
}
