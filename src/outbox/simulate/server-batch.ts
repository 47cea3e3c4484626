import {
  BATCH_LIMITS,
  BATCH_MEDIA_TYPE,
  BATCH_PROBLEM_TYPES,
  type BatchAnswer,
  encodeBatchAnswers,
} from '../../protocol/batch.ts'
import type { Random } from './random.ts'
import { problem, type ServerAnswer, type ServerModel, type ServerRequest, type Work } from './server-model.ts'

/**
 * How an endpoint takes batches. `stops`: it answers some, and does no more. `forgets`: it does all, and answers some.
 * `small`: two members are the most. `absent`: it is not there. `breaks-rules`: what it answers is none.
 */
export type BatchManner = 'good' | 'stops' | 'forgets' | 'small' | 'absent' | 'fails' | 'breaks-rules'

export interface BatchPorts {
  server: ServerModel
  random: Random
  manner: () => BatchManner
  isSignedIn: (request: ServerRequest) => boolean
}

/** The endpoint of docs/batch-endpoint.md, in front of the server: each member as if it had come by itself. */
export function receiveBatch(members: ServerRequest[], { server, random, manner, isSignedIn }: BatchPorts): Work {
  const kind = manner()
  const refusal = refusalOf(members, kind)
  if (refusal) return { workMs: 1, finish: () => refusal }
  if (!members.every(isSignedIn)) return { workMs: 1, finish: () => problem(401, 'about:blank') }
  const toxic = members.findIndex(({ route }) => route === 'toxic')
  const some = random.between(1, members.length)
  const done = toxic >= 0 ? toxic : kind === 'stops' ? some : members.length
  const works = members.slice(0, done).map(member => server.receive(member))
  const finish = () => {
    const answered = works.map(({ finish }, index) => ({
      request: members[index] as ServerRequest,
      answer: finish(),
    }))
    if (toxic >= 0) return problem(500, 'about:blank')
    return answerOf(shuffled(kind === 'forgets' ? answered.slice(0, some) : answered, random), kind)
  }
  return { workMs: works.reduce((sum, { workMs }) => sum + workMs, 1), finish }
}

function refusalOf({ length }: ServerRequest[], manner: BatchManner): ServerAnswer | undefined {
  if (manner === 'absent') return problem(404, 'about:blank')
  if (manner === 'fails') return problem(500, 'about:blank')
  if (length > (manner === 'small' ? 2 : BATCH_LIMITS.members)) return problem(413, BATCH_PROBLEM_TYPES.tooLarge)
  return undefined
}

/** Answers come in any order. */
function shuffled<T>(items: T[], random: Random): T[] {
  return items
    .map(item => [random.next(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item)
}

function answerOf(members: NonNullable<ServerAnswer['members']>, manner: BatchManner): ServerAnswer {
  const answers = members.map(
    ({ request: { key = '' }, answer: { status, headers, body } }): BatchAnswer => ({
      id: key,
      status,
      headers,
      ...(body !== '' && { body: { kind: 'json', json: JSON.parse(body) } }),
    }),
  )
  const text = encodeBatchAnswers(manner === 'breaks-rules' ? [...answers, ...answers.slice(0, 1)] : answers)
  const whole: ServerAnswer = { status: 200, headers: { 'content-type': BATCH_MEDIA_TYPE }, body: text }
  return manner === 'breaks-rules' ? whole : { ...whole, members }
}
