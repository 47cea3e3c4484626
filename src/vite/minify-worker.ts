import type { Plugin, Rolldown } from 'vite'

/**
 * Makes the worker small with terser, which inlines and reorders more than Vite's own minifier does: a kilobyte of the 28
 * that a visitor loads. It takes a second of the build, once, and only here: the app is minified as the user says.
 *
 * `isOurs`: the worker has no code of the app. Then functions that nobody constructs become arrows, which is not safe for
 * code that we do not know.
 */
export function minifyWorker(isOurs: boolean): Plugin {
  return {
    name: 'holdfast:minify-worker',
    enforce: 'post',
    async renderChunk(code) {
      const { minify } = await import('terser')
      const compress = { passes: 3, hoist_funs: true, unsafe_arrows: isOurs }
      const minified = await minify(code, { ecma: 2020, compress, sourceMap: { asObject: true } })
      return { code: minified.code ?? code, map: minified.map as Rolldown.SourceMapInput }
    },
  }
}
