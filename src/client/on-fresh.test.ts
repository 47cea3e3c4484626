import { describe, expect, it, vi } from 'vitest'
import { freshMessage } from '../protocol/fresh.ts'
import { onFresh } from './on-fresh.ts'

const saying = (data: unknown) => new MessageEvent('message', { data })

describe('onFresh', () => {
  it('tells the address of what is new, and nothing of what others say', () => {
    const container = new EventTarget()
    const listener = vi.fn()
    onFresh(listener, {}, container)
    for (const data of [
      undefined,
      null,
      7,
      'CACHE_UPDATED',
      { type: 'CACHE_UPDATED' },
      { type: 'CACHE_UPDATED', payload: null },
    ])
      container.dispatchEvent(saying(data))
    expect(listener).not.toHaveBeenCalled()
    container.dispatchEvent(saying(freshMessage('tides', 'https://app.example/api/tides')))
    expect(listener).toHaveBeenCalledExactlyOnceWith({ url: 'https://app.example/api/tides' })
  })

  it('says nothing more when it is told to end', () => {
    const container = new EventTarget()
    const listener = vi.fn()
    const ending = new AbortController()
    onFresh(listener, { signal: ending.signal }, container)
    ending.abort()
    container.dispatchEvent(saying(freshMessage('tides', 'https://app.example/api/tides')))
    expect(listener).not.toHaveBeenCalled()
  })

  it('does nothing where there are no workers, such as on a server', () => {
    expect(() => onFresh(() => undefined)).not.toThrow()
  })
})
