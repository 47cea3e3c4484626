import type { WriteSpec } from './plan.ts'
import type { Random } from './random.ts'
import type { Route } from './server-model.ts'

const ROUTES: [Route, ...Route[]] = [
  ...(['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'poison', 'conflict', 'busy', 'limited', 'resting'] as const),
  ...(['slow', 'signed-out', 'quota', 'toxic', 'stuck'] as const),
]
const SECOND = 1_000

/** What a person writes in one go: now and then many, or one thing and its changes. */
export function planWrites(random: Random): WriteSpec[] {
  if (random.chance(0.25)) return planChanges(random)
  const count = random.chance(0.05) ? random.between(8, 14) : random.chance(0.3) ? random.between(2, 4) : 1
  return Array.from({ length: count }, () => planWrite(random))
}

function planWrite(random: Random): WriteSpec {
  return {
    entity: random.chance(0.25) ? undefined : random.pick(['a', 'b', 'c']),
    route: random.pick(ROUTES),
    size: random.chance(0.07) ? 'apart' : 'small',
    urgent: random.chance(0.3),
    ...(random.chance(0.15) && { origin: random.pick(['keys', 'plain', 'hang']) }),
    ...(random.chance(0.2) && { priority: random.pick([-5, 5]) }),
    ...(random.chance(0.12) && { after: random.below(8) }),
    ...(random.chance(0.12) && { ref: random.below(8) }),
    ...(random.chance(0.1) && { hold: true }),
    ...(random.chance(0.07) && { notBeforeMs: random.pick([SECOND, 20 * SECOND, 200 * SECOND]) }),
    ...(random.chance(0.07) && { expiresMs: random.pick([SECOND, 20 * SECOND, 200 * SECOND]) }),
  }
}

/** A thing and what is changed about it, or one place that is written again and again. */
function planChanges(random: Random): WriteSpec[] {
  const entity = random.pick(['a', 'b'])
  const coalesce = random.pick<WriteSpec['coalesce']>(['merge', 'merge', 'replace', undefined])
  const route = random.pick(['ok', 'ok', 'busy', 'busy', 'limited'] as [Route, ...Route[]])
  const change = (): WriteSpec => ({
    entity,
    route,
    size: 'small',
    ...(random.chance(0.9) && { coalesce }),
    ...(random.chance(0.1) && { hold: true }),
  })
  const changes = Array.from({ length: random.between(1, 4) }, (): WriteSpec => change())
  if (random.chance(0.5)) {
    const [aimed, last] = [random.chance(0.8), random.chance(0.3)]
    const made: WriteSpec[] = changes.map(one => ({ ...one, method: 'PATCH', aimed }))
    if (last) made.push({ ...change(), method: 'DELETE', aimed: true })
    return random.chance(0.7) ? [{ entity, route, size: 'small' }, ...made] : made
  }
  return changes.map(one => ({ ...one, method: random.pick(['PUT', 'PUT', 'PATCH']) }))
}

/** One version of something that is written again and again. */
export function planDraft(random: Random): WriteSpec {
  const route = random.pick<Route>(['ok', 'busy', 'limited'])
  const [coalesce, method] = random.pick([['replace', 'PUT'] as const, ['merge', 'PATCH'] as const])
  return { entity: random.pick(['a', 'b']), route, size: 'small', coalesce, method }
}

/** One that nobody is in a hurry about, and many that are urgent. */
export function planFlood(random: Random): WriteSpec[] {
  const one = (priority: number): WriteSpec => ({ route: 'ok', size: 'small', priority })
  return [one(-10), ...Array.from({ length: random.between(24, 40) }, () => one(random.pick([5, 10])))]
}
