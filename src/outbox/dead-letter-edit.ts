import { HoldfastError, isHoldfastError } from '../protocol/errors.ts'
import type { Mutation, MutationMethod, StoredBody } from '../protocol/mutation.ts'
import { originOf } from '../protocol/queue-key.ts'
import { invalidMutation } from './invalid-mutation.ts'
import { type MutationInput, type PreparedMutation, prepareMutation } from './mutation-input.ts'
import * as rareInput from './rare-input.ts'

/**
 * What may be another one when a dead letter is retried; what is left out stays. Its entity, its dependencies and what else
 * is not here are no part of it: others were recorded behind it in the trust that it comes first. To change those, discard
 * it and make the write anew.
 */
export interface DeadLetterEdit {
  /** A path is one of the origin that it goes to already. */
  url?: string | URL
  method?: MutationMethod
  /** In place of the body. The media type stays where it was JSON before, unless `headers` has another one. */
  json?: unknown
  /** The same for what is not JSON; null: no body. */
  body?: BodyInit | null
  /** Each takes the place of the one of its name, or comes to the others; null takes it away. */
  headers?: HeadersInit | Record<string, string | null>
  priority?: number
  /** Null: at once. */
  notBefore?: Date | null
  /** Null: never. */
  expiresAt?: Date | null
  /** How many it has from now on. */
  attempts?: number
  /** In place of what it was; null: none. */
  meta?: Record<string, unknown> | null
}

/** A mutation and the content of its body, wherever that is stored; undefined where there is none, or it is gone. */
export interface ReadMutation {
  mutation: Mutation
  content: string | ArrayBuffer | undefined
}

export interface EditedMutation {
  mutation: Mutation
  /** The new body, where it is to be stored apart. The old one is then nobody's. */
  apart?: string | ArrayBuffer
}

/**
 * Makes the edited mutation, checked as `mutate()` checks a new one. It has a new idempotency key where the server would
 * get something else than before.
 */
export async function editMutation(
  read: ReadMutation,
  edit: DeadLetterEdit,
  newId: () => string,
): Promise<EditedMutation> {
  try {
    assertMembers(edit)
    const { mutation } = read
    const loadRare = async () => rareInput
    const ports = {
      base: `${originOf(mutation)}/`,
      now: () => mutation.createdAt,
      newId,
      retry: mutation.retry,
      loadRare,
    }
    const prepared = await prepareMutation(inputOf(read, edit), ports)
    return withKey(read, joined(mutation, edit, prepared), newId)
  } catch (error) {
    throw editRefused(error)
  }
}

/** The same error, about the retry. */
export function editRefused(error: unknown): unknown {
  if (!isHoldfastError(error) || error.code !== 'invalid-mutation') return error
  const { code, hint, cause } = error
  return new HoldfastError({ code, action: 'retry the dead letter', reason: reasonOf(error), hint, cause })
}

/** What `invalidMutation` was given. */
export function reasonOf({ message, hint }: HoldfastError): string {
  return message.slice('Failed to record the mutation: '.length, -`. ${hint}`.length)
}

const EDITABLE = 'url, method, json, body, headers, priority, notBefore, expiresAt, attempts, meta'

function assertMembers(edit: DeadLetterEdit): void {
  if (typeof edit !== 'object' || edit === null) {
    throw invalidMutation('its edit is not an object', 'Pass { json } or whatever is to be another one.')
  }
  const fixed = Object.keys(edit).find(member => !EDITABLE.split(', ').includes(member))
  if (fixed === undefined) return
  throw invalidMutation(
    `its edit has a member "${fixed}"`,
    `Use only ${EDITABLE}; to change anything else, discard it and make the write anew.`,
  )
}

/** The whole of it as it would be given to `mutate()`: a reference in one part is found beside an edit of another. */
function inputOf({ mutation, content }: ReadMutation, edit: DeadLetterEdit): MutationInput {
  const { url = mutation.url, method = mutation.method, priority = mutation.priority, attempts, json, body } = edit
  const kept = kindOf(mutation.body) === 'json' && content !== undefined ? { json: JSON.parse(String(content)) } : {}
  return {
    url,
    method,
    priority,
    attempts,
    headers: headersOf(mutation, edit),
    ...(hasBody(edit) ? { json, ...(body !== null && { body }) } : kept),
    meta: edit.meta === undefined ? mutation.meta : (edit.meta ?? undefined),
    notBefore: timeOf(mutation.notBefore, edit.notBefore),
    expiresAt: timeOf(mutation.expiresAt, edit.expiresAt),
  }
}

function hasBody({ json, body }: DeadLetterEdit): boolean {
  return json !== undefined || body !== undefined
}

function timeOf(before: number | undefined, edited: Date | null | undefined): Date | undefined {
  if (edited === undefined) return before === undefined ? undefined : new Date(before)
  return edited ?? undefined
}

/** A list, so that a name that HTTP does not allow is found by whoever checks it. */
function headersOf({ headers, body }: Mutation, edit: DeadLetterEdit): HeadersInit {
  const { headers: edited = {} } = edit
  if (typeof edited !== 'object') return edited
  const given: (readonly (string | null | undefined)[])[] =
    Symbol.iterator in edited ? [...edited] : Object.entries(edited).filter(([, value]) => value !== undefined)
  const names = new Set(given.map(([name]) => String(name).toLowerCase()))
  if (hasBody(edit) && !isOfSameKind(body, edit)) names.add('content-type')
  const kept = headers.filter(([name]) => !names.has(name.toLowerCase()))
  return [...kept, ...given.filter(([, value]) => value !== null)] as [string, string][]
}

/** Whether the media type of the old body says the truth about the new one: a multipart boundary, for one, does not. */
function isOfSameKind(before: StoredBody, { json, body }: DeadLetterEdit): boolean {
  return json !== undefined ? kindOf(before) === 'json' : typeof body === 'string' && kindOf(before) === 'text'
}

function kindOf(body: StoredBody): 'none' | 'json' | 'text' | 'bytes' {
  return body.kind === 'apart' ? body.of : body.kind
}

/** What was not edited stays as it is to the byte, since the key stands for it. */
function joined(
  mutation: Mutation,
  edit: DeadLetterEdit,
  { mutation: checked, apart }: PreparedMutation,
): EditedMutation {
  const { references: _old, meta: _meta, notBefore: _from, expiresAt: _until, ...rest } = mutation
  const { priority, retry, references, meta, notBefore, expiresAt } = checked
  const next: Mutation = {
    ...rest,
    url: edit.url === undefined ? mutation.url : checked.url,
    method: checked.method,
    headers: edit.headers === undefined && !hasBody(edit) ? mutation.headers : checked.headers,
    body: hasBody(edit) ? checked.body : mutation.body,
    priority,
    retry,
    ...(references && { references }),
    ...(meta && { meta }),
    ...(notBefore !== undefined && { notBefore }),
    ...(expiresAt !== undefined && { expiresAt }),
  }
  return hasBody(edit) && apart !== undefined ? { mutation: next, apart } : { mutation: next }
}

function withKey(
  { mutation: before, content }: ReadMutation,
  edited: EditedMutation,
  newId: () => string,
): EditedMutation {
  const { mutation, apart } = edited
  const isSame =
    mutation.url === before.url &&
    mutation.method === before.method &&
    fieldsOf(mutation) === fieldsOf(before) &&
    (mutation.body === before.body || isSameContent(apart ?? contentOf(mutation.body), content ?? lostOf(before)))
  if (isSame) return edited
  const { keyGiven: _ofTheOldOne, ...rest } = mutation
  return { ...edited, mutation: { ...rest, idempotencyKey: newId() } }
}

/** In the form of the one that was checked. */
function fieldsOf({ headers }: Mutation): string {
  return JSON.stringify([...new Headers(headers)])
}

/** What is gone is like nothing that there is, and not like no body either. */
function lostOf({ body }: Mutation): null | undefined {
  return body.kind === 'apart' ? null : undefined
}

/** Of a body that is stored with its mutation. */
export function contentOf(body: StoredBody): string | ArrayBuffer | undefined {
  if (body.kind === 'bytes') return body.bytes
  return body.kind === 'json' || body.kind === 'text' ? body.text : undefined
}

type Content = string | ArrayBuffer | null | undefined

function isSameContent(a: Content, b: Content): boolean {
  if (!(a instanceof ArrayBuffer && b instanceof ArrayBuffer)) return a === b
  const [left, right] = [new Uint8Array(a), new Uint8Array(b)]
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}
