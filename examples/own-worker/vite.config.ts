import { holdfast } from 'holdfast/vite'
import { defineConfig } from 'vite'
import { itemsApi } from '../api.ts'

export default defineConfig({
  plugins: [
    holdfast({
      // Holdfast bundles it into one classic script, and fills in the files to store.
      worker: 'src/sw.ts',
      manifest: {
        name: 'Crew board',
        display: 'standalone',
        theme_color: '#f2edf5',
        icons: [{ src: 'icon.svg', sizes: 'any', type: 'image/svg+xml' }],
        // The worker's own fetch listener answers it.
        share_target: {
          action: 'share',
          method: 'POST',
          enctype: 'multipart/form-data',
          params: { text: 'text' },
        },
      },
    }),
    itemsApi(),
  ],
})
