/** How long it takes until `act` resolves, in milliseconds. */
export async function timeOf(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await act()
  return performance.now() - startedAt
}

/** One after the other; the time of each. */
export async function timeEach<T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  for (const item of items) times.push(await timeOf(() => act(item)))
  return times
}
