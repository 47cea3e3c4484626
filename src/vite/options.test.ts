import { describe, expect, it } from 'vitest'
import { type PluginOptions, resolveOptions } from './options.ts'

const asOptions = (value: unknown) => value as PluginOptions

describe('resolveOptions', () => {
  it('needs nothing', () => {
    expect(resolveOptions()).toMatchObject({
      name: 'holdfast',
      filename: 'sw.js',
      register: true,
      dev: true,
      caching: [],
      precache: { include: ['**/*'], exclude: [], maximumFileSizeBytes: 2097152 },
    })
  })

  it('keeps a default where an option is undefined', () => {
    const options = resolveOptions({ name: undefined, precache: { include: undefined, exclude: ['big/**'] } })
    expect(options).toMatchObject({ name: 'holdfast', precache: { include: ['**/*'], exclude: ['big/**'] } })
  })

  it('takes globs for rules', () => {
    expect(resolveOptions({ queue: ['/api/**'] }).queue).toEqual([{ match: '/api/**' }])
    expect(resolveOptions().queue).toEqual([])
  })

  it('can be told to store nothing', () => {
    expect(resolveOptions({ precache: false }).precache).toBe(false)
  })

  it('keeps nothing for a worker that leaves', () => {
    const options = resolveOptions({ selfDestroying: true, worker: 'src/sw.ts', precache: { include: ['**/*'] } })
    expect(options).toMatchObject({ worker: undefined, precache: false, navigationFallback: false })
  })

  it.each([
    [
      'an unknown name',
      { cacheing: [] },
      /option cacheing: there is none of that name\. Known are name, caching, queue/,
    ],
    ['an unknown name within', { precache: { globs: [] } }, /precache\.globs/],
    ['options that are none', [], /they are not an object/],
    ['an empty name', { name: '' }, /option name: it is not a text/],
    ['a switch that is a text', { register: 'auto' }, /option register: it is not true or false/],
    ['a file name with a folder', { filename: 'workers/sw.js' }, /option filename/],
    ['a precache that is true', { precache: true }, /option precache/],
    ['a size as text', { precache: { maximumFileSizeBytes: '2MB' } }, /maximumFileSizeBytes/],
    ['a glob outside a list', { precache: { include: '**/*' } }, /precache\.include/],
    ['a bad caching rule', { caching: [{ match: 'api', strategy: 'cache-first' }] }, /caching\[0\]\.match/],
    ['a bad fallback', { navigationFallback: true }, /navigationFallback/],
    ['a manifest with a wrong member', { manifest: { name: 7 } }, /option manifest\.name: it is not a text/],
    ['a manifest in a folder', { manifestFilename: 'app/site.webmanifest' }, /option manifestFilename/],
    ['leaving that is a text', { selfDestroying: 'yes' }, /option selfDestroying/],
    ['a bad rule of the queue', { queue: ['api'] }, /queue\[0\]\.match/],
    ['a handler with no module', { queue: [{ match: '/api/**', handler: 'note' }] }, /the handler "note"/],
    ['a queue that an own worker would not see', { worker: 'src/sw.ts', queue: ['/api/**'] }, /queue together with/],
    [
      'rules that an own worker would not see',
      { worker: 'src/sw.ts', caching: [] },
      /startHoldfast\(\) in src\/sw\.ts/,
    ],
  ])('refuses %s', (_, options, message) => {
    expect(() => resolveOptions(asOptions(options))).toThrow(expect.objectContaining({ code: 'invalid-options' }))
    expect(() => resolveOptions(asOptions(options))).toThrow(message)
  })
})
