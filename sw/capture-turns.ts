/** The place of a write among those that the worker answers at the same time. */
export interface Turn {
  /** Says of which entity it is, once that is known. */
  setEntity(entity: string): void
  /** Says that it did not reach the server, so that what comes later must not go there either before it is stored. */
  willBeStored(): void
  /** Resolves when no earlier write of this entity is about to be stored. */
  afterFailed(): Promise<void>
  /** Resolves when it is known what becomes of every earlier write of this entity. */
  afterEarlier(): Promise<void>
  /** Says that it is stored, or that it is none of ours. */
  end(): void
}

/**
 * Keeps the order of the calls among writes that are on their way at the same time. They go out as the app sends them, side
 * by side; but those that fail are stored in the order in which they came, however long each of them took to fail.
 */
export function createTurns(): () => Turn {
  const open = new Set<OpenTurn>()
  return () => {
    const [entity, setEntity] = settable<string | undefined>()
    const [ended, end] = settable<undefined>()
    const earlier = [...open]
    const own: OpenTurn = { entity, ended, fails: false }
    open.add(own)
    const wait = async (turns: OpenTurn[]) => {
      const mine = await own.entity
      await Promise.all(turns.map(async turn => (await turn.entity) === mine && turn.ended))
    }
    return {
      setEntity,
      willBeStored() {
        own.fails = true
      },
      afterFailed: () => wait(earlier.filter(turn => turn.fails)),
      afterEarlier: () => wait(earlier),
      end() {
        open.delete(own)
        setEntity(undefined)
        end(undefined)
      },
    }
  }
}

interface OpenTurn {
  entity: Promise<string | undefined>
  ended: Promise<undefined>
  fails: boolean
}

function settable<T>(): [Promise<T>, (value: T) => void] {
  let set: (value: T) => void = () => undefined
  const promise = new Promise<T>(resolve => {
    set = resolve
  })
  return [promise, set]
}
