import { holdfast } from 'holdfast/vite'
import { defineConfig } from 'vite'

// `vite` and `vite preview` serve the pages; the notes come from the demo's server, which runs beside them.
const proxy = { '/api': { target: `http://localhost:${process.env.PORT ?? 4173}` } }

export default defineConfig({
  root: 'demo',
  build: { outDir: 'dist', sourcemap: true },
  server: { proxy },
  preview: { proxy },
  plugins: [holdfast({ caching: [{ match: '/api/notes', strategy: 'network-first', timeoutMs: 3000 }] })],
})
