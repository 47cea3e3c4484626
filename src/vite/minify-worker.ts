import type { Plugin, Rolldown } from 'vite'

export interface MinifyOptions {
  /** The worker has no code of the app: functions that nobody constructs become arrows, unsafe for code we do not know. */
  isOurs: boolean
  /** Terser takes twice as long with one. */
  withMap: boolean
  /** The language that the build may use; else what is newer and shorter is written. */
  target?: string | string[]
}

/** What Workbox and localforage keep to themselves. localforage names one of them by a text. */
const PRIVATE = /^_[a-z]/

/**
 * Makes the worker small with terser, which inlines and reorders more than Vite's own minifier does: a kilobyte of the 28
 * that a visitor loads. Vite's goes first: it is quick, and terser is slow by what it is given. Only here: the app is
 * minified as the user says.
 */
export function minifyWorker({ isOurs, withMap, target }: MinifyOptions): Plugin {
  return {
    name: 'holdfast:minify-worker',
    enforce: 'post',
    async renderChunk(code, { fileName }) {
      const [vite, terser] = await Promise.all([import('vite'), import('terser')])
      const first = await vite.minify(fileName, code, { sourcemap: withMap, compress: { target } })
      const compress = { passes: 3, hoist_funs: true, unsafe_arrows: isOurs }
      const sourceMap = withMap && { asObject: true, content: JSON.stringify(first.map) }
      const mangle = isOurs ? { properties: { regex: PRIVATE, reserved: ['_initStorage'] } } : true
      const second = await terser.minify(first.code, { ecma: 2020, compress, mangle, sourceMap })
      return { code: second.code ?? first.code, map: withMap ? (second.map as Rolldown.SourceMapInput) : null }
    },
  }
}
