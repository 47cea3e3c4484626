import type { StoredBody } from '../protocol/mutation.ts'
import type { Queue } from './change-queue.ts'
import type { PreparedMutation } from './mutation-input.ts'

/**
 * How many are remembered. Nobody is told the id of a mutation that another one took in, so only code that chose the id
 * itself, and made both writes one shortly after the other, can come back with it.
 */
const REMEMBERED = 1_000

/** Notes that a mutation was taken in by another one, which carries it to the server. */
export async function noteAbsorbed({ tx }: Queue, { id, by }: { id: string; by: string }): Promise<void> {
  const meta = tx.objectStore('meta')
  await meta.put(by, absorbedKey(id))
  const all = IDBKeyRange.bound(PREFIX, `${PREFIX}\uffff`)
  const tooMany = (await meta.count(all)) - REMEMBERED
  // An id begins with the time at which it was made (UUID v7, RFC 9562): the oldest come first.
  const oldest = tooMany > 0 ? await meta.getAllKeys(all, tooMany) : []
  for (const key of oldest) await meta.delete(key)
}

/** The mutation that took this one in, if one did. */
export function carrierOf({ tx }: Queue, id: string): Promise<string | undefined> {
  return tx.objectStore('meta').get(absorbedKey(id))
}

/** The same write, waiting for `to` and its answer where it waited for `from`. */
export function waitingFor(item: PreparedMutation, from: string, to: string): PreparedMutation {
  const { mutation, apart } = item
  const other = (id: string) => (id === from ? to : id)
  const inText = (text: string) => text.replaceAll(`{ref:${from}#`, () => `{ref:${to}#`)
  const { references } = mutation
  const dependsOn = [...new Set(item.dependsOn?.map(other))]
  if (!references?.some(([id]) => id === from)) return { ...item, dependsOn }
  return {
    ...item,
    dependsOn,
    ...(typeof apart === 'string' && isJson(mutation.body) && { apart: inJson(apart, from, to) }),
    mutation: {
      ...mutation,
      url: inText(mutation.url),
      headers: mutation.headers.map(([name, value]) => [name, inText(value)]),
      body:
        mutation.body.kind === 'json' ? { kind: 'json', text: inJson(mutation.body.text, from, to) } : mutation.body,
      references: references.map(([id, pointer]) => [other(id), pointer]),
    },
  }
}

/** As `JSON.stringify` wrote it. Within a text of the app's own the quotes would be escaped. */
function inJson(text: string, from: string, to: string): string {
  return text.replaceAll(`{"$ref":["${from}",`, () => `{"$ref":["${to}",`)
}

function isJson(body: StoredBody): boolean {
  return body.kind === 'apart' && body.of === 'json'
}

const PREFIX = 'absorbed:'

function absorbedKey(id: string): string {
  return `${PREFIX}${id}`
}
