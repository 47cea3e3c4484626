/** Undefined when the request is certainly not for such a file; else a promise of the file, if it is there. */
export type FindRetired = (request: Request) => Promise<Response | undefined> | undefined

/**
 * Finds files of the version before, for pages of it that are still open: the parts which they load late have other names
 * in this version, and the server may not have them any more. Those names are not known here; but they are in a folder
 * where this version has files with a hash in their name, too. Pages themselves are always this version's.
 */
export function createRetiredFiles(
  scope: ServiceWorkerGlobalScope,
  cacheName: string,
  urlsToCacheKeys: ReadonlyMap<string, string>,
): FindRetired {
  const folders = new Set<string>()
  for (const [url, cacheKey] of urlsToCacheKeys) if (url === cacheKey) folders.add(folderOf(url))
  return ({ url, method, mode }) => {
    const isCandidate =
      method === 'GET' && mode !== 'navigate' && folders.has(folderOf(url)) && !urlsToCacheKeys.has(url)
    return isCandidate ? scope.caches.match(url, { cacheName }) : undefined
  }
}

function folderOf(url: string): string {
  return url.slice(0, url.lastIndexOf('/'))
}
