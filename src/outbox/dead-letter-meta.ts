import { decodeBase64, encodeBase64, isBase64 } from '../protocol/batch-body.ts'
import { isJsonObject } from '../protocol/merge-patch.ts'
import { invalidMutation } from './invalid-mutation.ts'

/**
 * Writes a `meta` as JSON. It may hold whatever structured clone copies: JSON's own values stay as they are, others are
 * written as `{ "$type": …, "value": … }`, and so is an object of the app that has a `$type` itself. What another device
 * could do nothing with (an Error, a file handle, a key, a part that contains itself) becomes
 * `{ "$type": "omitted", "of": … }`, so that whoever reads the file sees it.
 *
 * @example
 * await encodeMeta({ label: 'Fern', seen: new Date(0) }) // { label: 'Fern', seen: { $type: 'date', value: 0 } }
 */
export async function encodeMeta(value: unknown, within: readonly unknown[] = []): Promise<unknown> {
  if (value === undefined) return { $type: 'undefined' }
  if (typeof value === 'bigint') return tagged('bigint', String(value))
  if (typeof value === 'number' && !isJsonNumber(value))
    return tagged('number', Object.is(value, -0) ? '-0' : `${value}`)
  if (typeof value !== 'object' || value === null) return value
  if (within.includes(value)) return { $type: 'omitted', of: 'itself' }
  return encodeObject(value, [...within, value])
}

/**
 * Reads what `encodeMeta` has written; what was omitted is undefined. Throws a `HoldfastError` of code `invalid-mutation`.
 *
 * @example
 * decodeMeta({ label: 'Fern', seen: { $type: 'date', value: 0 } }) // { label: 'Fern', seen: new Date(0) }
 */
export function decodeMeta(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(decodeMeta)
  if (!isJsonObject(json)) return json
  if (!Object.hasOwn(json, '$type')) return decodeMembers(Object.entries(json))
  try {
    return decodeTagged(json)
  } catch (cause) {
    throw invalidMutation(
      `its meta has something of the type "${String(json.$type)}" that cannot be read`,
      'Use the file as it was made.',
      cause,
    )
  }
}

async function encodeObject(value: object, within: readonly unknown[]): Promise<unknown> {
  const all = (items: Iterable<unknown>) => Promise.all(Array.from(items, item => encodeMeta(item, within)))
  const name = nameOf(value)
  if (Array.isArray(value)) return all(value)
  if (value instanceof Date) return tagged('date', value.getTime())
  if (value instanceof Map) return tagged('map', await all(value))
  if (value instanceof Set) return tagged('set', await all(value))
  if (value instanceof Blob) return encodeBlob(value)
  if (value instanceof ArrayBuffer) return tagged(name, encodeBase64(new Uint8Array(value)))
  if (ArrayBuffer.isView(value)) {
    return tagged(name, encodeBase64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)))
  }
  if (name !== 'Object') return { $type: 'omitted', of: name }
  const [names, members] = [Object.keys(value), await all(Object.values(value))]
  const pairs = names.map((member, index) => [member, members[index]] as const)
  return names.includes('$type') ? tagged('object', pairs) : Object.fromEntries(pairs)
}

function tagged(type: string, value: unknown) {
  return { $type: type, value }
}

function isJsonNumber(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0)
}

function nameOf(value: object): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1)
}

async function encodeBlob(blob: Blob): Promise<unknown> {
  const data = encodeBase64(new Uint8Array(await blob.arrayBuffer()))
  const file = nameOf(blob) === 'File' ? (blob as File) : undefined
  return tagged('blob', { data, type: blob.type, ...(file && { name: file.name, lastModified: file.lastModified }) })
}

function decodeTagged({ $type: type, value }: Record<string, unknown>): unknown {
  if (type === 'omitted' || type === 'undefined') return undefined
  if (type === 'bigint') return BigInt(textOf(value))
  if (type === 'number') return Number(textOf(value))
  if (type === 'date') return new Date(value === null ? Number.NaN : numberOf(value))
  if (type === 'map') return new Map(pairsOf(value).map(([key, item]) => [decodeMeta(key), decodeMeta(item)]))
  if (type === 'set') return new Set(listOf(value).map(decodeMeta))
  if (type === 'object') return decodeMembers(pairsOf(value))
  if (type === 'blob') return decodeBlob(value)
  return decodeBytes(textOf(type), value)
}

/** Defines members; an assignment to `__proto__` would set the prototype. */
function decodeMembers(pairs: [key: unknown, value: unknown][]): Record<string, unknown> {
  return Object.fromEntries(pairs.map(([name, value]) => [textOf(name), decodeMeta(value)]))
}

function decodeBlob(value: unknown): Blob {
  if (!isJsonObject(value)) throw new TypeError('not an object')
  const { data, type, name, lastModified } = value
  const options = { type: textOf(type) }
  if (name === undefined) return new Blob([bytesOf(data)], options)
  return new File([bytesOf(data)], textOf(name), { ...options, lastModified: numberOf(lastModified) })
}

const VIEW = /^(?:(?:Int|Uint)(?:8|16|32)|Uint8Clamped|Float(?:16|32|64)|Big(?:Int|Uint)64)Array$|^DataView$/

function decodeBytes(type: string, value: unknown): ArrayBuffer | ArrayBufferView {
  const { buffer } = bytesOf(value)
  if (type === 'ArrayBuffer') return buffer
  if (!VIEW.test(type)) throw new TypeError('unknown')
  // An engine may lack the newest of them; then this throws as well.
  const View = (globalThis as unknown as Record<string, new (buffer: ArrayBuffer) => ArrayBufferView>)[type]
  if (!View) throw new TypeError('unknown here')
  return new View(buffer)
}

function bytesOf(value: unknown): Uint8Array<ArrayBuffer> {
  if (!isBase64(value)) throw new TypeError('not base64')
  return decodeBase64(value)
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('not a text')
  return value
}

function numberOf(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError('not a number')
  return value
}

function listOf(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new TypeError('not a list')
  return value
}

function pairsOf(value: unknown): [unknown, unknown][] {
  return listOf(value).map(pair => {
    const [key, item, ...more] = listOf(pair)
    if (listOf(pair).length !== 2 || more.length > 0) throw new TypeError('not a pair')
    return [key, item]
  })
}
