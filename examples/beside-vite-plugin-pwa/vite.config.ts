import { defineConfig } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'
import { itemsApi } from '../api.ts'

export default defineConfig({
  plugins: [
    VitePWA({
      strategies: 'injectManifest',
      srcDir: 'src',
      filename: 'sw.ts',
      manifest: {
        name: 'Trip notes',
        display: 'standalone',
        theme_color: '#f4efe9',
        icons: [{ src: 'icon.svg', sizes: 'any', type: 'image/svg+xml' }],
      },
    }),
    itemsApi(),
  ],
})
