import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type ConnectivityOptions, checkProbeOption, defaultProbe, type Probe } from './probe.ts'

interface Shown {
  status?: number
  type?: string
  redirected?: boolean
}

/** As a page sees it: a redirect that is not followed has status 0, which no Response can be made with. */
function answer({ status = 200, type, redirected = false }: Shown): Response {
  const response = new Response(null, { status: status || 200, headers: type ? { 'content-type': type } : {} })
  Object.defineProperties(response, {
    status: { value: status },
    ok: { value: status >= 200 && status < 300 },
    redirected: { value: redirected },
  })
  return response
}

describe('the probe of the worker’s script', () => {
  it('is none where there is no worker', () => {
    expect(defaultProbe(undefined, 5000)).toBeUndefined()
    expect(defaultProbe('/sw.js', 5000)).toMatchObject({ url: '/sw.js', timeoutMs: 5000 })
  })

  it.each<[string, Shown]>([
    ['the script', { type: 'text/javascript' }],
    ['the script with its character set', { type: 'Text/JavaScript; charset=utf-8' }],
    ['the script of an older server', { type: 'application/javascript' }],
    ['a server that does not do HEAD', { status: 405 }],
    ['one that says so by a page', { status: 405, type: 'text/html' }],
    ['another one', { status: 501, type: 'text/plain' }],
    ['a server without the script', { status: 404, type: 'application/problem+json' }],
    ['a server in trouble', { status: 503 }],
  ])('accepts %s', (_, shown) => {
    expect(defaultProbe('/sw.js', 5000)?.accepts(answer(shown))).toBe(true)
  })

  it.each<[string, Shown]>([
    ['a page for any address', { type: 'text/html; charset=utf-8' }],
    ['a page with an error', { status: 404, type: 'text/html' }],
    ['a page of the older kind', { status: 200, type: 'application/xhtml+xml' }],
    ['an empty answer for any address', { status: 204 }],
    ['something else for any address', { type: 'text/plain' }],
    ['data', { type: 'application/json' }],
    ['a redirect that was followed', { type: 'text/javascript', redirected: true }],
    ['a redirect that was not', { status: 0 }],
    ['a redirect that can be seen', { status: 302 }],
    ['the status for portals', { status: 511, type: 'text/plain' }],
  ])('does not accept %s', (_, shown) => {
    expect(defaultProbe('/sw.js', 5000)?.accepts(answer(shown))).toBe(false)
  })

  it('knows the page of a portal', () => {
    const page = new Response('<p>Sign in to the hotel’s network</p>')
    expect(defaultProbe('/sw.js', 5000)?.accepts(page)).toBe(false)
  })

  it('judges what real servers answer to HEAD', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/sw.js') response.setHeader('content-type', 'text/javascript')
      else if (request.url === '/portal') response.setHeader('content-type', 'text/html')
      else response.statusCode = 405
      response.end()
    })
    onTestFinished(() => void server.close())
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const accepted = async (path: string) =>
      defaultProbe(path, 5000)?.accepts(await fetch(base + path, { method: 'HEAD' }))
    expect(await accepted('/sw.js')).toBe(true)
    expect(await accepted('/portal')).toBe(false)
    expect(await accepted('/strict.js')).toBe(true)
  })
})

describe('the option', () => {
  const base = 'https://app.example/notes/'
  const check = (option?: unknown, worker: string | undefined = '/sw.js') => checkProbeOption(option, base, worker)
  const accepts = (probe: Probe | undefined, shown: Shown) => probe?.accepts(answer(shown))

  it('is the worker’s script by default, where there is a worker', () => {
    expect(check()).toMatchObject({ url: '/sw.js', timeoutMs: 5000 })
    expect(check({ timeoutMs: 2000 })).toMatchObject({ url: '/sw.js', timeoutMs: 2000 })
    expect(accepts(check({}), { type: 'application/json' })).toBe(false)
    expect(checkProbeOption({}, base, undefined)).toBeUndefined()
    expect(check({ probe: false, timeoutMs: 2000 })).toBeUndefined()
  })

  it('is an address of the app’s, relative to its base', () => {
    expect(checkProbeOption({ probe: '/health' }, 'https://app.example/notes/', '/sw.js')?.url).toBe(
      'https://app.example/health',
    )
    expect(check({ probe: new URL('https://api.example/up') })?.url).toBe('https://api.example/up')
    expect(checkProbeOption({ probe: 'up' }, base, undefined)?.url).toBe('https://app.example/notes/up')
  })

  it('accepts what the app says, else any answer of that address but a page', () => {
    const probe = check({ probe: '/health' })
    expect(accepts(probe, { status: 204 })).toBe(true)
    expect(accepts(probe, { type: 'application/json' })).toBe(true)
    expect(accepts(probe, { type: 'text/html' })).toBe(false)
    expect(accepts(probe, { status: 0 })).toBe(false)
    const connectivity: ConnectivityOptions = { probe: '/api/health', accepts: response => response.status === 204 }
    expect(accepts(check(connectivity), { status: 204 })).toBe(true)
    expect(accepts(check(connectivity), { status: 200 })).toBe(false)
    expect(accepts(check({ accepts: () => true }), { type: 'text/html' })).toBe(true)
  })

  it.each([
    [7, /connectivity is 7.*probe, timeoutMs, accepts/],
    [null, /connectivity is null/],
    [[], /connectivity is/],
    [{ url: '/health' }, /no option "connectivity\.url"/],
    [{ probe: true }, /connectivity\.probe is true.*http or https address, or false/],
    [{ probe: '' }, /connectivity\.probe is ""/],
    [{ probe: null }, /connectivity\.probe is null/],
    [{ probe: 'ftp://x' }, /connectivity\.probe is "ftp:\/\/x"/],
    [{ probe: 'https://me:secret@x' }, /connectivity\.probe is/],
    [{ probe: 'https://' }, /connectivity\.probe is/],
    [{ timeoutMs: 0 }, /connectivity\.timeoutMs is 0.*from 1 to 60000/],
    [{ timeoutMs: Number.NaN }, /timeoutMs is NaN/],
    [{ timeoutMs: Number.POSITIVE_INFINITY }, /timeoutMs is Infinity/],
    [{ timeoutMs: '5000' }, /timeoutMs is "5000"/],
    [{ accepts: true }, /connectivity\.accepts is true/],
  ])('refuses %j', (option, text) => {
    expect(() => check(option)).toThrow(
      expect.objectContaining({ code: 'invalid-options', message: expect.stringMatching(text) }),
    )
  })
})
