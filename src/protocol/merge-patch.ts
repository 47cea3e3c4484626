/**
 * Applies a JSON Merge Patch: objects are merged member by member, `null` removes a member, anything else takes the
 * place of what was there. Both are JSON values; neither is changed, and the result may share parts with both. A member
 * named `__proto__` is a member like any other. Source: RFC 7396.
 *
 * @example
 * applyMergePatch({ title: 'Fern', tags: ['wet'] }, { title: 'Moss', tags: null }) // { title: 'Moss' }
 */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch
  const members = membersOf(target)
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name)
    else members.set(name, applyMergePatch(members.get(name), value))
  }
  return Object.fromEntries(members)
}

/** `inexpressible`: no merge patch has the effect of these two, one after the other. */
export type CombinedPatch = { kind: 'combined'; patch: unknown } | { kind: 'inexpressible' }

/**
 * The one patch that does what `first` and then `second` do, to every document.
 *
 * There is not always one. `{ a: null }` and then `{ a: { x: 1 } }` leaves `a` with nothing but `x`, and a merge patch
 * can say "merge this object" or "put this value", but not "put this object": that is `inexpressible`, and so is an object
 * after any other value that is not an object.
 *
 * @example
 * combineMergePatches({ title: 'Fern' }, { text: 'By the wall' })
 * // { kind: 'combined', patch: { title: 'Fern', text: 'By the wall' } }
 */
export function combineMergePatches(first: unknown, second: unknown): CombinedPatch {
  if (!isJsonObject(second)) return { kind: 'combined', patch: second }
  if (!isJsonObject(first)) return { kind: 'inexpressible' }
  const members = membersOf(first)
  for (const [name, value] of Object.entries(second)) {
    const combined: CombinedPatch = members.has(name)
      ? combineMergePatches(members.get(name), value)
      : { kind: 'combined', patch: value }
    if (combined.kind === 'inexpressible') return combined
    members.set(name, combined.patch)
  }
  return { kind: 'combined', patch: Object.fromEntries(members) }
}

/** Says whether two JSON values are the same, whatever the order of their members. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isSameJson(item, b[index]))
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return a === b
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every(name => Object.hasOwn(b, name) && isSameJson(a[name], b[name]))
  )
}

/** Says whether a JSON value is an object: neither an array nor null. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

// A Map, and Object.fromEntries at the end, define members. An assignment to `__proto__` would set the prototype.
function membersOf(value: unknown): Map<string, unknown> {
  return new Map(isJsonObject(value) ? Object.entries(value) : [])
}
