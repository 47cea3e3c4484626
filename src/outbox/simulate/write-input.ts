import type { MutationInput } from '../mutation-input.ts'
import { idOf, type Write } from './ledger.ts'

export const ORIGINS = {
  app: 'https://app.example',
  /** Lets the key pass, and gets the auth provider's headers. */
  keys: 'https://keys.example',
  /** Gets neither. */
  plain: 'https://plain.example',
  /** Gives no answer at times. */
  hang: 'https://hang.example',
}

export const BATCH_ENDPOINT = `${ORIGINS.app}/batch`

const LONG = 'x'.repeat(70 * 1024)

/** What a person's write is, as an app would give it to `mutate()`. */
export function inputOf(write: Write, now: number): MutationInput {
  const { number, spec } = write
  const { route, size, origin = 'app', method, priority, entity, coalesce, hold, notBeforeMs, expiresMs } = spec
  const after = earlier(spec.after, number)
  const json = { writes: { [number]: 1 }, entity, fields: fieldsOf(write), ...refIn(write) }
  return {
    url: `${ORIGINS[origin]}${pathOf(write, id => `{ref:${id}#/id}`)}`,
    method,
    json: size === 'apart' ? { ...json, filling: LONG } : json,
    entity,
    priority,
    dependsOn: after === undefined ? undefined : [idOf(after)],
    // What is usual takes the short way, so that both are gone.
    ...(coalesce && entity !== undefined && { coalesce }),
    ...(hold && { onUncertain: 'hold' as const }),
    ...(notBeforeMs !== undefined && { notBefore: new Date(now + notBeforeMs) }),
    ...(expiresMs !== undefined && { expiresAt: new Date(now + expiresMs) }),
    ...(route === 'busy' && number % 7 === 0 && { attempts: 2 }),
  }
}

/** The path, with the name of what the write aims at as `made` says it. */
export function pathOf({ spec, target }: Write, made: (id: string) => string): string {
  const { route, method, entity } = spec
  if (method === undefined) return `/${route}`
  return `/${route}/${target === undefined ? (entity ?? 'nothing') : made(idOf(target))}`
}

/** What it says about the thing: a part of it, and now and then that a part is gone. */
export function fieldsOf({ number, spec }: Write): Record<string, unknown> {
  if (spec.method === 'PUT') return { whole: number }
  return { [`part-${number % 3}`]: number % 5 === 0 && spec.method === 'PATCH' ? null : number }
}

/** The writes whose answers it takes. */
export function referredBy({ number, spec, target }: Write): number[] {
  const ref = earlier(spec.ref, number)
  return [...(target === undefined ? [] : [target]), ...(ref === undefined ? [] : [ref])]
}

/** Those that must be done before it. */
export function parentsOf(write: Write): number[] {
  const after = earlier(write.spec.after, write.number)
  return [...referredBy(write), ...(after === undefined ? [] : [after])]
}

function refIn({ number, spec }: Write): { ref?: { $ref: [string, string] } } {
  const ref = earlier(spec.ref, number)
  return ref === undefined ? {} : { ref: { $ref: [idOf(ref), '/id'] } }
}

function earlier(wanted: number | undefined, number: number): number | undefined {
  return wanted !== undefined && wanted < number ? wanted : undefined
}
