import { carrierOf, thingOf, type Write } from './ledger.ts'
import { changed, type ServerDocument, textOf } from './server-document.ts'
import type { ServerModel } from './server-model.ts'
import { fieldsOf, pathOf } from './write-input.ts'

/**
 * Compares what the server has of each entity with what it would have if each write had come by itself, in the order of
 * the calls. Gives what differs, in words. Left out is where a person changed the order, or where what happened is not
 * known: a dead letter that came back, a write that was given up and had arrived, a server that knows no keys.
 */
export function checkDocuments(writes: readonly Write[], server: ServerModel): string[] {
  const things = new Map<string, Write[]>()
  for (const write of writes) {
    const thing = thingOf(write)
    if (thing !== undefined && write.order !== undefined) things.set(thing, [...(things.get(thing) ?? []), write])
  }
  return [...things].flatMap(([thing, all]) => {
    if (all.some(write => isUncertain(write, server))) return []
    const [there, meant] = [documentOf(all, server), documentMeant(all, server)]
    return there === meant ? [] : [`Of ${thing} the server has ${there}; one by one it would have ${meant}.`]
  })
}

function isUncertain(write: Write, server: ServerModel): boolean {
  const { wasRetried, number, outcome, spec } = carrierOf(write)
  if (wasRetried || spec.origin === 'plain' || spec.origin === 'hang') return true
  return server.hasEffect(number) && outcome !== 'confirmed'
}

function documentOf(writes: readonly Write[], { effects }: ServerModel): string {
  const numbers = new Set(writes.map(({ number }) => number))
  const own = effects.filter(({ number }) => numbers.has(number))
  return textOf(own.reduce<ServerDocument>(changed, { made: {} }))
}

function documentMeant(writes: readonly Write[], server: ServerModel): string {
  const done = writes.filter(write => server.hasEffect(carrierOf(write).number))
  const inOrder = done.sort((a, b) => (a.order ?? 0) - (b.order ?? 0))
  return textOf(
    inOrder.reduce<ServerDocument>(
      (document, write) =>
        changed(document, {
          number: write.number,
          method: write.spec.method ?? 'POST',
          path: pathOf(write, id => `made-${Number(id.slice('write-'.length))}-`),
          fields: fieldsOf(write),
        }),
      { made: {} },
    ),
  )
}
