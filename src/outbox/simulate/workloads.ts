import type { Plan, WriteSpec } from './plan.ts'

/** What a small workload has besides its device. */
export interface Workload extends Pick<Plan, 'operations' | 'faults'> {
  chosen: Omit<Plan['environment'], 'locks' | 'worker'>
}

const write = (terms: Partial<WriteSpec>): WriteSpec => ({ route: 'ok', size: 'small', ...terms })
const patch = (terms: Partial<WriteSpec>): WriteSpec =>
  write({ entity: 'a', method: 'PATCH', coalesce: 'merge', ...terms })

/** Small enough to be killed at each yield point. */
export const WORKLOADS: Record<string, Workload> = {
  'three entities, six writes: one with a body apart, one that is refused, one that meets two 503': {
    chosen: {},
    faults: [],
    operations: [
      {
        at: 0,
        kind: 'append',
        tab: 0,
        writes: [
          write({ entity: 'a', size: 'apart' }),
          write({ entity: 'a', route: 'poison' }),
          write({ entity: 'b', route: 'busy' }),
        ],
      },
      { at: 40, kind: 'append', tab: 1, writes: [write({ entity: 'a' })] },
      { at: 60, kind: 'append', tab: 0, writes: [write({ entity: 'b' }), write({ entity: 'c' })] },
    ],
  },
  'changes that are joined, of what is made meanwhile': {
    chosen: {},
    faults: [],
    operations: [
      { at: 0, kind: 'append', tab: 0, writes: [write({ entity: 'a' }), patch({ aimed: true }), write({ ref: 0 })] },
      { at: 50, kind: 'append', tab: 0, writes: [patch({ aimed: true }), patch({ aimed: true, method: 'DELETE' })] },
    ],
  },
  'a batch, one of whose members is refused': {
    chosen: { batch: true, batches: 'stops' },
    faults: [],
    operations: [
      {
        at: 0,
        kind: 'append',
        tab: 0,
        writes: [write({}), write({ route: 'poison' }), write({ entity: 'a' }), write({ route: 'limited' })],
      },
    ],
  },
  'a token that has run out': {
    chosen: { refresh: 'works' },
    faults: [{ kind: 'token-expires', at: 0 }],
    operations: [{ at: 0, kind: 'append', tab: 0, writes: [write({ entity: 'a' }), write({ entity: 'a' })] }],
  },
  'one that must not be sent twice unasked': {
    chosen: {},
    faults: [],
    operations: [
      { at: 0, kind: 'append', tab: 0, writes: [write({ entity: 'a', hold: true }), write({ entity: 'a' })] },
      { at: 400, kind: 'release', tab: 0, pick: 0 },
    ],
  },
  'two people': {
    chosen: {},
    faults: [],
    operations: [
      { at: 0, kind: 'append', tab: 0, writes: [write({ entity: 'a' }), write({ entity: 'a' })] },
      { at: 60, kind: 'identify', tab: 0, person: 'ada' },
      { at: 70, kind: 'append', tab: 0, writes: [write({ entity: 'a' })] },
    ],
  },
}
