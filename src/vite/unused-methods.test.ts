import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'vite'
import { describe, expect, it } from 'vitest'
import { resolveOptions } from './options.ts'
import { unusedMethods } from './unused-methods.ts'

type Methods = Record<string, unknown>

function transform(code: string, id: string): string | undefined {
  const plugin = unusedMethods(resolveOptions({}))
  const hook = plugin ? plugin.transform : undefined
  if (!hook || typeof hook === 'function') throw new Error('The plugin has no hook.')
  const context = { parse: (text: string) => parseSync('a.js', text).program }
  return Reflect.apply(hook.handler, context, [code, id])?.code
}

async function installed(module: string): Promise<string> {
  const file = fileURLToPath(import.meta.resolve(module))
  return readFile(file, 'utf8')
}

describe('unused methods of Workbox', () => {
  it.each([
    [
      'workbox-precaching/PrecacheController.js',
      ['install', 'activate', 'precache', 'matchPrecache'],
      'addToCacheList',
    ],
    ['workbox-routing/Router.js', ['addFetchListener', 'addCacheListener', 'setDefaultHandler'], 'handleRequest'],
  ])('are cut out of %s, and only they', async (module, names, kept) => {
    const code = await installed(module)
    const shorter = transform(code, `/app/node_modules/${module}`) ?? ''
    const source = shorter.replace(/^import .*$/gm, '').replace(/^export \{ (\w+) \};?$/m, 'return $1')
    const { prototype } = new Function(source)() as { prototype: Methods }
    for (const name of names) {
      expect(code).toContain(` ${name}(`)
      expect(prototype).not.toHaveProperty(name)
      expect(shorter).not.toMatch(new RegExp(`this\\.${name}\\b`))
    }
    expect(prototype).toHaveProperty(kept)
  })

  it('stay where the class uses them itself', () => {
    const code = 'class Router { addFetchListener() {}\n start() { this.addFetchListener() } }'
    expect(transform(code, '/app/node_modules/workbox-routing/Router.js')).toBeUndefined()
  })

  it.each([{ worker: 'src/sw.ts' }, { handlers: 'src/handlers.ts' }])(
    'stay where the app has code of its own: %o',
    options => {
      expect(unusedMethods(resolveOptions(options))).toBe(false)
    },
  )
})
