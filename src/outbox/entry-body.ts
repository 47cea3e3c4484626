import { HoldfastError } from '../protocol/errors.ts'
import type { Mutation } from '../protocol/mutation.ts'

/** Reads a body that is stored apart. */
export type ReadBlob = (blobKey: string) => Promise<string | ArrayBuffer | null>

/** The bytes that every attempt sends, with their media type. Rejects with `not-found` where they are gone. */
export async function readBody({ body, headers }: Mutation, readBlob: ReadBlob): Promise<Blob> {
  const type = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
  if (body.kind === 'none') return new Blob([])
  if (body.kind === 'json' || body.kind === 'text') return new Blob([body.text], { type })
  if (body.kind === 'bytes') return new Blob([body.bytes], { type })
  const apart = await readBlob(body.blobKey)
  if (apart !== null) return new Blob([apart], { type })
  throw new HoldfastError({
    code: 'not-found',
    action: 'read the body of the write',
    reason: 'it is gone from the device',
    hint: 'The browser may have cleared it; make the write again.',
  })
}
