/** Until nobody drains: what a round before has left to do must not run in this one. */
export async function quiet(): Promise<void> {
  for (let free = 0; free < 5; ) {
    const { held = [], pending = [] } = await navigator.locks.query()
    const draining = [...held, ...pending].filter(({ name }) => name?.endsWith(':drain'))
    free = draining.length === 0 ? free + 1 : 0
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
