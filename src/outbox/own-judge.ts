import { type JudgedAnswer, type JudgeOptions, judgeAnswer, type Verdict, type VerdictKind } from './outcome-table.ts'

/**
 * The app's own word on an answer; `undefined` leaves it to the table. It hears of every answer with a status, never of
 * opaque ones, which have nothing to look at.
 *
 * @example
 * const judge: Judge = ({ status }) => (status === 404 ? { kind: 'confirmed' } : undefined)
 */
export type Judge = (
  answer: Pick<JudgedAnswer, 'status' | 'headers' | 'problem' | 'body'>,
) => (Pick<Verdict, 'kind'> & Partial<Pick<Verdict, 'reason' | 'costsAttempt' | 'uncertain'>>) | undefined

/** A verdict, and what went wrong where the app's own function had a say. */
export interface JudgedVerdict extends Verdict {
  /** What the app's own function threw, or the unknown verdict that it gave; the table decided in its place. */
  judgeError?: unknown
}

/** Lets the app's own function judge first, and the table where that has no word or fails. Never throws. */
export function judgeByApp(answer: JudgedAnswer, judge: Judge | undefined, options: JudgeOptions = {}): JudgedVerdict {
  const own = askJudge(answer, judge)
  if (own.kind === 'judged') return own.verdict
  const verdict = judgeAnswer(answer, options)
  return own.kind === 'failed' ? { ...verdict, judgeError: own.error } : verdict
}

type OwnVerdict = { kind: 'judged'; verdict: Verdict } | { kind: 'none' } | { kind: 'failed'; error: unknown }

function askJudge(answer: JudgedAnswer, judge: Judge | undefined): OwnVerdict {
  const { status, headers, problem, body, type = 'basic' } = answer
  if (!judge || status === 0 || type.startsWith('opaque')) return { kind: 'none' }
  try {
    const given = judge({ status, headers, problem, body })
    if (given === undefined) return { kind: 'none' }
    if (!Object.hasOwn(KINDS, given.kind)) return { kind: 'failed', error: given }
    return { kind: 'judged', verdict: completed(given, status) }
  } catch (error) {
    return { kind: 'failed', error }
  }
}

function completed(given: NonNullable<ReturnType<Judge>>, status: number): Verdict {
  return {
    kind: given.kind,
    code: 'judged',
    reason: given.reason ?? `The app judged the answer ${status}.`,
    costsAttempt: given.costsAttempt ?? KINDS[given.kind].costsAttempt,
    uncertain: given.uncertain ?? false,
  }
}

const KINDS: Record<VerdictKind, { costsAttempt: boolean }> = {
  confirmed: { costsAttempt: false },
  retry: { costsAttempt: true },
  conflict: { costsAttempt: true },
  hold: { costsAttempt: false },
  refused: { costsAttempt: true },
}
