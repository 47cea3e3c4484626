import { applyMergePatch, combineMergePatches, isJsonObject, isSameJson } from '../protocol/merge-patch.ts'
import type { NewMutation, StoredBody } from '../protocol/mutation.ts'
import { INLINE_LIMIT } from './record-body.ts'

/** What a new mutation asks for where it meets one of its entity that still waits. */
export type CoalesceMode = 'replace' | 'merge'

/** What becomes of the two. `orphans` are the keys in `blobs` of bodies that nobody sends any more. */
export type Coalesced<W extends NewMutation = NewMutation> =
  /** Both are sent, one after the other. */
  | { kind: 'append' }
  /**
   * `mutation` takes the place of the waiting one, under its key, id and time. `absorbed`: who waits for the new one's id
   * waits for this one from now on.
   */
  | { kind: 'replace'; mutation: W; absorbed: { id: string; by: string }; orphans: string[] }
  /** Neither is sent: what the first would create, the second would delete. */
  | { kind: 'cancel-both'; cancelled: [waiting: string, incoming: string]; orphans: string[] }

/**
 * Decides what happens when a new mutation, `incoming`, meets the last waiting one of its entity. The server ends up with
 * what it would have after both; where that is not certain, it is `append`.
 *
 * Nothing is ever put onto a mutation that was attempted: the server may have it, under a key that stands for its body.
 * Beyond entity, all terms (priority, dependencies, times, attempts, headers) must be the same, so that neither write is
 * sent earlier, later or more often than its caller said. Then:
 *
 * - `replace`, same method, address and media type: the later body takes the place of the earlier. A PATCH does so only
 *   where it says everything that the earlier one said. A POST does so where the caller asks for it and the two bodies do
 *   not have different `id`s.
 * - `merge`, two PATCHes of the same address with JSON objects: one patch with the effect of both (RFC 7396). Two PUTs are
 *   as under `replace`, and two POSTs are always two. JSON Patch (RFC 6902) is never merged.
 * - `merge`, a PATCH onto the POST that creates what it changes: the fields go into the creation.
 * - either, a DELETE onto the POST that creates what it deletes: both are cancelled.
 *
 * A POST creates what is at `<its address>/<the id in its JSON body>`, or at `<its address>/{ref:<its own id>#…}`. Any
 * other POST of the entity may be an action on something that the server has long had, and stays.
 *
 * @example
 * coalesceWith(waiting, incoming, 'merge').kind // 'replace'
 */
export function coalesceWith<W extends NewMutation>(
  waiting: W,
  incoming: NewMutation,
  mode: CoalesceMode,
): Coalesced<W> {
  if (!isUntouched(waiting) || !haveSameTerms(waiting, incoming)) return { kind: 'append' }
  if (creates(waiting, incoming.url)) {
    if (incoming.method === 'DELETE') return cancelBoth(waiting, incoming)
    if (incoming.method === 'PATCH' && mode === 'merge') return foldIntoCreation(waiting, incoming)
  }
  if (waiting.method !== incoming.method || waiting.url !== incoming.url) return { kind: 'append' }
  if (mediaType(waiting) !== mediaType(incoming)) return { kind: 'append' }
  if (incoming.method === 'PATCH' && mode === 'merge') return mergePatches(waiting, incoming)
  return mayReplace(waiting, incoming, mode) ? replaced(waiting, incoming, incoming) : { kind: 'append' }
}

function isUntouched({ fence, lease, attempts, failures, held, nextAttemptAt }: NewMutation): boolean {
  return fence === 0 && !lease && attempts === 0 && failures === 0 && !held && nextAttemptAt === undefined
}

/** What may differ between the two. Everything else, known here or not, is a term of the write. */
const IDENTITY = ['id', 'key', 'sequence', 'createdAt', 'waitsFor', 'references']
const HISTORY = ['fence', 'lease', 'attempts', 'failures', 'answers']
const OWN = new Set([...IDENTITY, ...HISTORY, 'url', 'method', 'headers', 'body', 'meta'])

function haveSameTerms(waiting: NewMutation, incoming: NewMutation): boolean {
  if (waiting.entity === undefined) return false
  // What the later one takes from the answer of the earlier would come with it.
  const parents = parentsOf(incoming).filter(id => id !== waiting.id)
  const references = incoming.references?.filter(([id]) => id !== waiting.id)
  return (
    isSameJson(termsOf(waiting), termsOf(incoming)) &&
    isSameJson(parentsOf(waiting), parents) &&
    isSameJson(waiting.references ?? [], references ?? []) &&
    isSameJson(fieldsOf(waiting), fieldsOf(incoming))
  )
}

function termsOf(mutation: NewMutation): Record<string, unknown> {
  return Object.fromEntries(Object.entries(mutation).filter(([name, value]) => !OWN.has(name) && value !== undefined))
}

function parentsOf({ waitsFor = [] }: NewMutation): string[] {
  return waitsFor.toSorted()
}

function fieldsOf({ headers }: NewMutation): string[] {
  const others = headers.filter(([name]) => name.toLowerCase() !== 'content-type')
  return others.map(([name, value]) => `${name.toLowerCase()}: ${value}`).toSorted()
}

function mediaType({ headers }: NewMutation): string {
  const value = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
  return value.split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/** Whether `waiting` makes what is at that address. Certain, or no. */
function creates({ method, url, id, body }: NewMutation, address: string): boolean {
  const collection = `${url.replace(/\/$/, '')}/`
  if (method !== 'POST' || !address.startsWith(collection)) return false
  const name = address.slice(collection.length)
  if (name.startsWith(`{ref:${id}#`) && name.indexOf('}') === name.length - 1) return true
  const made = jsonOf(body)?.id
  return (typeof made === 'string' || typeof made === 'number') && name !== '' && decoded(name) === String(made)
}

function cancelBoth<W extends NewMutation>(waiting: W, incoming: NewMutation): Coalesced<W> {
  return { kind: 'cancel-both', cancelled: [waiting.id, incoming.id], orphans: blobKeys(waiting.body) }
}

function foldIntoCreation<W extends NewMutation>(waiting: W, incoming: NewMutation): Coalesced<W> {
  const [fields, patch] = [jsonOf(waiting.body), patchOf(incoming)]
  return fields && patch ? joined(waiting, incoming, applyMergePatch(fields, patch)) : { kind: 'append' }
}

function mergePatches<W extends NewMutation>(waiting: W, incoming: NewMutation): Coalesced<W> {
  const [first, second] = [patchOf(waiting), patchOf(incoming)]
  if (!first || !second) return { kind: 'append' }
  const combined = combineMergePatches(first, second)
  return combined.kind === 'combined' ? joined(waiting, incoming, combined.patch) : { kind: 'append' }
}

function joined<W extends NewMutation>(waiting: W, incoming: NewMutation, json: unknown): Coalesced<W> {
  const text = JSON.stringify(json)
  // A longer one would have to be stored apart, where no later one could join it.
  if (text.length > INLINE_LIMIT) return { kind: 'append' }
  return replaced(waiting, incoming, { headers: waiting.headers, body: { kind: 'json', text } })
}

function mayReplace(waiting: NewMutation, incoming: NewMutation, mode: CoalesceMode): boolean {
  // It needs the answer of the very write whose place it would take.
  if (parentsOf(incoming).includes(waiting.id)) return false
  if (incoming.method === 'POST') return mode === 'replace' && !haveDifferentIds(waiting, incoming)
  if (incoming.method !== 'PATCH') return true
  const [first, second] = [patchOf(waiting), patchOf(incoming)]
  if (!first || !second) return false
  const combined = combineMergePatches(first, second)
  return combined.kind === 'combined' && isSameJson(combined.patch, second)
}

/** Two things, although the app called them one entity: none of them may get lost. */
function haveDifferentIds(waiting: NewMutation, incoming: NewMutation): boolean {
  const [first, second] = [jsonOf(waiting.body)?.id, jsonOf(incoming.body)?.id]
  return first !== undefined && second !== undefined && !isSameJson(first, second)
}

function replaced<W extends NewMutation>(
  waiting: W,
  incoming: NewMutation,
  { headers, body }: Pick<NewMutation, 'headers' | 'body'>,
): Coalesced<W> {
  const meta = waiting.meta || incoming.meta ? { meta: { ...waiting.meta, ...incoming.meta } } : {}
  return {
    kind: 'replace',
    mutation: { ...waiting, headers, body, ...meta },
    absorbed: { id: incoming.id, by: waiting.id },
    orphans: blobKeys(waiting.body),
  }
}

const MERGEABLE = new Set(['application/json', 'application/merge-patch+json'])

function patchOf(mutation: NewMutation): Record<string, unknown> | undefined {
  return MERGEABLE.has(mediaType(mutation)) ? jsonOf(mutation.body) : undefined
}

/**
 * The body, where it is a JSON object at hand. One with references in it is none: a merge could tear a reference apart, or
 * make a creation refer to itself.
 */
function jsonOf(body: StoredBody): Record<string, unknown> | undefined {
  if (body.kind !== 'json') return undefined
  const json: unknown = JSON.parse(body.text)
  return isJsonObject(json) && !body.text.includes('"$ref"') ? json : undefined
}

function blobKeys(body: StoredBody): string[] {
  return body.kind === 'apart' ? [body.blobKey] : []
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
