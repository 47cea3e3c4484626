import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { holdfast } from 'holdfast/vite'
import { build } from 'vite'
import { test as base } from './small-app.ts'

export { expect } from './small-app.ts'

/** The app of somebody who never heard of Holdfast: plain fetch, a file, and a form. The plugin line is all there is. */
export const test = base.extend<object, { site: string }>({
  site: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures from the pattern.
    async ({}, use) => {
      const root = await mkdtemp(join(tmpdir(), 'holdfast-plain-app-'))
      for (const [name, text] of Object.entries(SOURCES)) await writeFile(join(root, name), text)
      const plugins = [holdfast({ queue: ['/api/**'] })]
      await build({ root, configFile: false, logLevel: 'error', plugins })
      await use(join(root, 'dist'))
      await rm(root, { recursive: true, force: true })
    },
    { scope: 'worker' },
  ],
})

const SOURCES = {
  'index.html': `<!doctype html>
<title>Shore log</title>
<h1>Shore log</h1>
<form id="note"><input name="text" aria-label="Note"><button>Add</button></form>
<form id="photo"><input name="photo" type="file" aria-label="Photo"><button>Send photo</button></form>
<form id="report" method="post" action="/api/reports" enctype="multipart/form-data">
  <input name="title" aria-label="Report"><input name="scan" type="file" aria-label="Scan"><button>File report</button>
</form>
<button id="rename">Rename</button><button id="remove">Remove</button>
<ul id="log"></ul>
<script type="module" src="/main.js"></script>
`,
  'main.js': `const log = text => {
  const item = document.createElement('li')
  item.textContent = text
  document.querySelector('#log').append(item)
}

async function save(method, url, body, headers) {
  try {
    const response = await fetch(url, { method, body, headers })
    log(method + ' ' + url + ' ' + response.status)
  } catch (error) {
    log(method + ' ' + url + ' failed')
  }
}

const json = { 'Content-Type': 'application/json' }

document.querySelector('#note').addEventListener('submit', event => {
  event.preventDefault()
  const text = new FormData(event.target).get('text')
  save('POST', '/api/notes', JSON.stringify({ text }), json)
})

document.querySelector('#photo').addEventListener('submit', event => {
  event.preventDefault()
  save('POST', '/api/photos', new FormData(event.target))
})

document.querySelector('#rename').addEventListener('click', () => {
  save('PUT', '/api/notes/7', JSON.stringify({ text: 'Renamed' }), json)
})

document.querySelector('#remove').addEventListener('click', () => save('DELETE', '/api/notes/8'))
`,
}
