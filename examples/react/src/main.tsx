import '../../style.css'
import { registerHoldfast } from 'virtual:holdfast'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { readings } from './holdfast.ts'

const root = document.querySelector('#root')
if (!root) throw new Error('index.html has no #root.')
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)

registerHoldfast({
  // A new version takes over by itself, but never while something is being sent, or has been typed.
  mode: 'auto',
  mayReload: () => document.querySelector('input')?.value === '',
  // The first list was read before there was a worker to keep it.
  onOfflineReady: () => void readings.refresh(),
})
