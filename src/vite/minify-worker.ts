import type { Plugin, Rolldown } from 'vite'

/**
 * Makes the worker small with terser, which inlines and reorders more than Vite's own minifier does: a kilobyte of the 28
 * that a visitor loads. It takes a second of the build, once, and only here: the app is minified as the user says.
 */
export function minifyWorker(): Plugin {
  return {
    name: 'holdfast:minify-worker',
    enforce: 'post',
    async renderChunk(code) {
      const { minify } = await import('terser')
      const minified = await minify(code, OPTIONS)
      return { code: minified.code ?? code, map: minified.map as Rolldown.SourceMapInput }
    },
  }
}

const OPTIONS = {
  ecma: 2020,
  compress: { passes: 2, unsafe_arrows: true },
  sourceMap: { asObject: true },
} as const
