/** Keeps the precache free of what no installed version uses. */
export interface PrecacheCleaner {
  /** Call it when all files are stored. */
  installed(): Promise<void>
  /** Call it when this version has taken over. */
  activated(): Promise<void>
  /** Deletes everything that no installed version uses. */
  giveBack(): Promise<void>
}

/** Lists in the cache, of the files of one version: of the one that was installed last, and of the one that is active. */
const LIST = '.holdfast-files-'
const INSTALLED = `${LIST}installed`
const ACTIVE = `${LIST}active`

/**
 * The files of all versions are in one cache, so that a version fetches only what it does not find there. Which are whose
 * is told by two lists, each written by one event alone: one version may install while another is activated.
 */
export function createPrecacheCleaner(
  { caches, registration }: ServiceWorkerGlobalScope,
  cacheName: string,
  files: readonly string[],
): PrecacheCleaner {
  const open = () => caches.open(cacheName)
  const read = async (list: string): Promise<string[]> => (await (await open()).match(list))?.json() ?? []
  const write = async (list: string) => (await open()).put(list, new Response(JSON.stringify(files)))
  const keepOnly = async (kept: readonly string[]) => {
    const cache = await open()
    const set = new Set(kept)
    for (const request of await cache.keys()) {
      if (!set.has(request.url) && !request.url.includes(LIST)) await cache.delete(request)
    }
  }
  return {
    installed: () => write(INSTALLED),
    async activated() {
      const before = await read(ACTIVE)
      // A later version stores its files here at this moment, or has done so.
      const isLast = !registration.installing && !registration.waiting
      if (isLast) await keepOnly([...files, ...before.filter(isHashed)])
      // Then there is room for it, too.
      await write(ACTIVE)
    },
    giveBack: async () => keepOnly([...(await read(INSTALLED)), ...(await read(ACTIVE))]),
  }
}

/** Other files of the version before are never asked for: this version has its own under their addresses. */
function isHashed(cacheKey: string): boolean {
  return !cacheKey.includes('__WB_REVISION__=')
}
