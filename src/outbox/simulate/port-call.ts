import type { Context } from './context.ts'

/** A call of a context to one of its ports. It ends once; whatever comes after that is not heard. */
export interface PortCall<T> {
  resolve(value: T): void
  reject(reason: unknown): void
  isOpen(): boolean
}

export interface PortCallOptions {
  context: Context
  signal: AbortSignal | null | undefined
  /** It was answered, or given up; also by the death of its context. */
  onEnd?: () => void
}

/** Makes a call that its signal ends, and of which a context that dies never hears again. */
export function portCall<T>(options: PortCallOptions, begin: (call: PortCall<T>) => void): Promise<T> {
  const { context, signal, onEnd } = options
  return new Promise((resolve, reject) => {
    const end = () => {
      if (!context.cleanups.delete(close)) return false
      close()
      return true
    }
    const close = () => {
      signal?.removeEventListener('abort', abort)
      onEnd?.()
    }
    const call: PortCall<T> = {
      isOpen: () => context.cleanups.has(close),
      resolve: value => void (end() && resolve(value)),
      reject: reason => void (end() && reject(reason)),
    }
    const abort = () => call.reject(signal?.reason)
    context.cleanups.add(close)
    if (signal?.aborted) return abort()
    signal?.addEventListener('abort', abort)
    begin(call)
  })
}
