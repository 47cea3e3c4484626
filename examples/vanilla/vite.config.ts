import { holdfast } from 'holdfast/vite'
import { defineConfig } from 'vite'
import { itemsApi } from '../api.ts'

export default defineConfig({
  plugins: [
    holdfast({
      // What the app reads comes from the server; when that takes too long, what it answered last.
      caching: [{ match: '/api/**', strategy: 'network-first', timeoutMs: 3000 }],
      // src/main.ts registers the worker itself, to ask before a new version takes over.
      register: false,
    }),
    itemsApi(),
  ],
})
