import { access, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { build, createBuilder, type InlineConfig, type Plugin, type ViteBuilder } from 'vite'
import { describe, expect, it, vi } from 'vitest'
import { precached, useApp } from './app.fixture.ts'
import { holdfast } from './index.ts'

vi.setConfig({ testTimeout: 40_000 })

const app = useApp({
  'index.html': '<!doctype html><html><head></head><body><script type="module" src="/main.js"></script></body></html>',
  'main.js': 'document.title = JSON.stringify(__HOLDFAST_WORKER__)',
  'server.js': 'export const worker = __HOLDFAST_WORKER__',
})

const FILES = ['assets/index-#.js', 'index.html']

/** A framework with a client and a server, each in a folder of its own. */
function framework(config: InlineConfig = {}): InlineConfig {
  const { builder, ...rest } = config
  return app.config(
    {},
    {
      environments: {
        client: { build: { outDir: 'dist/client' } },
        ssr: { build: { outDir: 'dist/server', rolldownOptions: { input: '/server.js' } } },
      },
      builder: { ...builder },
      ...rest,
    },
  )
}

/** How often a worker was built: each build of one says so in a line. */
const built = () => app.lines.filter(line => line.startsWith('holdfast: sw.js')).length

async function expectOneWorker(folder = 'dist/client'): Promise<void> {
  expect(precached(await app.read(`${folder}/sw.js`))).toEqual(FILES)
  expect(built()).toBe(1)
  await expect(access(path.join(app.root, 'dist/server/sw.js'))).rejects.toThrow('ENOENT')
}

const clientFirst = async (builder: ViteBuilder) => {
  for (const name of ['client', 'ssr']) await builder.build(builder.environments[name]!)
}

const serverFirst = async (builder: ViteBuilder) => {
  for (const name of ['ssr', 'client']) await builder.build(builder.environments[name]!)
}

describe('an app with a server', () => {
  it.each<[string, InlineConfig]>([
    ['each environment has a configuration of its own', {}],
    ['all share one configuration', { builder: { sharedConfigBuild: true } }],
    ['all share the plugins', { builder: { sharedPlugins: true } }],
    ['the framework builds the client first', { builder: { sharedConfigBuild: true, buildApp: clientFirst } }],
    ['the framework builds the server first', { builder: { sharedConfigBuild: true, buildApp: serverFirst } }],
    ['every build counts as one for a server', { build: { ssr: true }, builder: { buildApp: clientFirst } }],
  ])('has one worker when %s', async (_, config) => {
    const builder = await createBuilder(framework(config))
    await builder.buildApp()
    await expectOneWorker()
    expect(await app.read('dist/server/server.mjs')).toContain('/sw.js')
  })

  it('stores what is prerendered also where the configuration is read from its file for each environment', async () => {
    const plugin = path.join(import.meta.dirname, 'index.ts')
    const { environments } = framework()
    await app.write({
      'vite.config.js': `import { writeFileSync } from 'node:fs'
import { holdfast } from ${JSON.stringify(plugin)}
export default {
  environments: ${JSON.stringify(environments)},
  builder: {
    async buildApp(builder) {
      for (const name of ['client', 'ssr']) await builder.build(builder.environments[name])
      writeFileSync(builder.config.root + '/dist/client/about.html', '<title>About</title>')
    },
  },
  plugins: [holdfast()],
}`,
    })
    const { customLogger } = app.config()
    await (await createBuilder({ root: app.root, customLogger })).buildApp()
    expect(precached(await app.read('dist/client/sw.js'))).toEqual(['about.html', ...FILES].sort())
    expect(built()).toBe(1)
  })

  it('has one worker when a framework calls the builder itself', async () => {
    const builder = await createBuilder(framework())
    await serverFirst(builder)
    await expectOneWorker()
  })

  it('has one worker when it is built by one call of build() for each', async () => {
    await build(app.config({}, { build: { outDir: 'dist/client' } }))
    await build(app.config({}, { build: { outDir: 'dist/server', ssr: 'server.js' } }))
    await expectOneWorker()
  })

  it('has one worker when the client is built twice', async () => {
    const twice = async (builder: ViteBuilder) => {
      await builder.build(builder.environments.client!)
      await clientFirst(builder)
    }
    const builder = await createBuilder(framework({ builder: { buildApp: twice } }))
    await builder.buildApp()
    await expectOneWorker()
  })

  it('stores what the framework prerenders at the end', async () => {
    const prerender: Plugin = {
      name: 'prerender',
      buildApp: {
        order: 'post',
        async handler() {
          await mkdir(path.join(app.root, 'dist/client/about'))
          await writeFile(path.join(app.root, 'dist/client/about/index.html'), '<title>About</title>')
        },
      },
    }
    const config = framework({ builder: { buildApp: clientFirst }, plugins: [prerender] })
    await (await createBuilder(config)).buildApp()
    expect(precached(await app.read('dist/client/sw.js'))).toEqual(['about/index.html', ...FILES])
    expect(built()).toBe(1)
  })

  it('stores nothing of the server where that is built into the folder of the client', async () => {
    const environments = {
      client: { build: { outDir: 'dist', emptyOutDir: false } },
      ssr: { build: { outDir: 'dist/server', rolldownOptions: { input: '/server.js' } } },
    }
    await (await createBuilder(framework({ environments, builder: { buildApp: serverFirst } }))).buildApp()
    await expectOneWorker('dist')
  })

  it('says what is wrong with the worker also at the end', async () => {
    const config = framework({ builder: { buildApp: clientFirst } })
    const plugins = [holdfast({ worker: 'src/none.ts' })]
    const builder = await createBuilder({ ...config, plugins })
    await expect(builder.buildApp()).rejects.toThrow(/there is no file .*src\/none\.ts/)
  })
})

describe('a mistake in the configuration', () => {
  it('is to have the plugin twice', async () => {
    await expect(build(app.config({}, { plugins: [holdfast()] }))).rejects.toThrow(
      expect.objectContaining({ code: 'invalid-options', message: expect.stringContaining('more than once') }),
    )
  })

  it('is to have a file of the name of the worker in the public folder', async () => {
    await app.write({ 'public/sw.js': '// by hand' })
    await expect(build(app.config())).rejects.toThrow(
      expect.objectContaining({ code: 'invalid-options', message: expect.stringContaining("{ worker: 'src/sw.js' }") }),
    )
  })
})
