import { setImmediate } from 'node:timers/promises'
import type { Plugin } from 'vite'

/** Another plugin of the app that builds the service worker. A scope has one, so ours then builds none. */
export interface Companion {
  /** The package. */
  name: string
  /** Where its worker is; nothing where it builds none, as with `disable: true`, or in development. */
  locate(): Promise<CompanionWorker | undefined>
}

/** A worker that another plugin builds, or serves. */
export interface CompanionWorker {
  url: string
  scope: string
  /** What it is registered as. Workers in development may be modules. */
  type: 'classic' | 'module'
}

/** Finds vite-plugin-pwa or @serwist/vite among the plugins of a resolved configuration. */
export function findCompanion(plugins: readonly Plugin[]): Companion | undefined {
  for (const [name, locate] of Object.entries(KNOWN)) {
    const plugin = plugins.find(plugin => plugin.name === name)
    if (plugin) return { name, locate: () => whenResolved(plugin, locate) }
  }
  return undefined
}

const KNOWN: Record<string, (plugin: Plugin) => Promise<CompanionWorker | undefined>> = {
  'vite-plugin-pwa': locateOfPwa,
  '@serwist/vite': locateOfSerwist,
}

/** Hooks of one name run side by side: theirs may still be reading its options. */
async function whenResolved<T>(plugin: Plugin, locate: (plugin: Plugin) => Promise<T>): Promise<T | undefined> {
  const api = plugin.api as { readonly disabled?: boolean } | undefined
  const deadline = Date.now() + RESOLVE_TIMEOUT_MS
  while (api?.disabled === undefined && Date.now() < deadline) await setImmediate()
  return api?.disabled === false ? locate(plugin) : undefined
}

const RESOLVE_TIMEOUT_MS = 10_000

interface PwaApi {
  registerSWData(): { inlinePath: string; scope: string; type?: string } | undefined
}

/**
 * Its API tells where it registers the worker. Where the app does that, the module that it offers for it knows; that is
 * asked last, because a module that was asked for keeps the plugin from registering.
 */
async function locateOfPwa(plugin: Plugin): Promise<CompanionWorker | undefined> {
  const data = (plugin.api as PwaApi).registerSWData()
  if (data) return { url: data.inlinePath, scope: data.scope, type: typeOf(data.type) }
  const code = await loadFrom(plugin, '/@vite-plugin-pwa/virtual:pwa-register')
  const [, url, scope, type] = /new Workbox\("(.+?)", \{ scope: "(.*?)", type: "(.*?)"/.exec(code) ?? []
  return url === undefined || scope === undefined ? undefined : { url, scope, type: typeOf(type) }
}

async function locateOfSerwist(plugin: Plugin): Promise<CompanionWorker | undefined> {
  const code = await loadFrom(plugin, '\0virtual:serwist')
  const [url, scope, type] = ['swUrl', 'swScope', 'swType'].map(
    name => new RegExp(`\\b${name} = "(.*?)"`).exec(code)?.[1],
  )
  return url === undefined || scope === undefined ? undefined : { url, scope, type: typeOf(type) }
}

function typeOf(type: string | undefined): CompanionWorker['type'] {
  return type === 'module' ? 'module' : 'classic'
}

/** What a plugin gives for a virtual module of its own, for which it needs nothing of the build. */
async function loadFrom({ load }: Plugin, id: string): Promise<string> {
  const handler = typeof load === 'function' ? load : load?.handler
  const result: unknown = await handler?.call({} as ThisParameterType<typeof handler>, id)
  return typeof result === 'string' ? result : ''
}
