import react from '@vitejs/plugin-react'
import { holdfast } from 'holdfast/vite'
import { defineConfig } from 'vite'
import { itemsApi } from '../api.ts'

export default defineConfig({
  plugins: [
    react(),
    holdfast({
      // Each write that does not reach the server is kept, and sent later. The app uses fetch() as ever.
      queue: ['/api/**'],
      caching: [{ match: '/api/**', strategy: 'network-first', timeoutMs: 3000 }],
    }),
    itemsApi(),
  ],
})
