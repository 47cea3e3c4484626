import type { Candidacy } from '../protocol/messages.ts'
import type { ElectionPorts, Leadership } from './election.ts'

/** The time in which this tab leads. */
export interface Reign {
  candidacy: Candidacy
  leadership: Leadership
  end: AbortController
}

/** So often a leader looks whether another term has begun, in case no message has told it. */
const OVERTAKEN_EVERY_MS = 10_000

export type ReignPorts = Pick<ElectionPorts, 'id' | 'channel' | 'terms' | 'sleep' | 'onChange'>

export interface ReignOptions {
  /** As the database gave it, or nothing where it refused. */
  given: number | undefined
  /** What it is to the other tabs. */
  term: number
  until: AbortSignal
  /** Called at its end, before anybody is told. */
  onEnd: () => void
}

/** Begins to lead, and tells everybody. It ends with `until`, with its own `end`, and when another term has begun. */
export function beginReign(ports: ReignPorts, { given, term, until, onEnd }: ReignOptions): Reign {
  const { id, channel, onChange } = ports
  const end = new AbortController()
  const reign: Reign = { candidacy: { id, term }, leadership: { term: given, signal: end.signal }, end }
  until.addEventListener('abort', () => end.abort(), { signal: end.signal })
  // At once, since a page that is frozen or put away does not get another turn.
  const resign = () => {
    onEnd()
    channel.post('resigned', reign.candidacy)
    onChange(undefined)
  }
  end.signal.addEventListener('abort', resign, { once: true })
  return reign
}

/** Whoever was overtaken may not have heard of it: ends the reign then. `above`: the highest term that was heard of. */
export async function checkTerm(
  { leadership: { term }, end }: Reign,
  { terms, sleep }: Pick<ReignPorts, 'terms' | 'sleep'>,
  above: () => number,
): Promise<void> {
  while (!end.signal.aborted) {
    await sleep(OVERTAKEN_EVERY_MS, end.signal)
    if (end.signal.aborted) return
    // Whoever leads without a term makes room for one who has one, as soon as there are terms.
    const isOver = term === undefined ? terms.next(above()).then(() => true) : terms.isCurrent(term).then(is => !is)
    if (await isOver.catch(() => false)) end.abort()
  }
}
