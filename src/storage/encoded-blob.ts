/** What plain localforage stores in place of a Blob, because our database lacks the store by which it tests for Blobs. */
interface EncodedBlob {
  __local_forage_encoded_blob: true
  /** Base64. */
  data: string
  type: string
}

/** Gives the Blob that plain localforage has put into one of our stores as text; any other value comes back as it is. */
export function decodeBlob(value: unknown): unknown {
  if (!isEncodedBlob(value)) return value
  const bytes = Uint8Array.from(atob(value.data), character => character.charCodeAt(0))
  return new Blob([bytes], { type: value.type })
}

function isEncodedBlob(value: unknown): value is EncodedBlob {
  return typeof value === 'object' && value !== null && '__local_forage_encoded_blob' in value
}
