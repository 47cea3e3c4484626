import type { Mutation } from '../protocol/mutation.ts'
import type { AllSent, Head } from './attempt.ts'
import type { Claimed } from './claim.ts'
import { isOver, isWanted, type Run } from './drain-run.ts'
import { judge } from './judge.ts'
import { mayRepeat, unanswered } from './send.ts'
import { sendAlone } from './send-alone.ts'
import { sendInBatches } from './send-batch.ts'
import { sendPorts } from './send-ports.ts'

/** Sends mutations through the endpoint for batches, as the run has it. */
export async function sendBatched(run: Run, members: readonly [Claimed, ...Claimed[]]): Promise<AllSent> {
  const { now } = run
  const endpoint = run.settings.pace.endpoint ?? ''
  const { mutation } = members[0]
  const { judgeOptions, judgeOwn } = sendPorts(run, mutation)
  let head: Head = { outcome: unanswered(undefined) }
  const note = (startedAt: number, next: Head) => {
    head = { ...next, rttMs: now() - startedAt }
  }
  const sent = await sendInBatches(
    members.map(({ mutation, request }) => ({ mutation, ...request })),
    {
      endpoint,
      headers: [],
      signal: () => sendPorts(run, mutation).signal,
      isOver: () => isOver(run) || !members.every(one => isWanted(run, one.mutation)),
      unanswered,
      memory: run.batches,
      // The app's own judge knows answers to writes, and not what a batch as a whole got.
      judge: (response, member) =>
        judge(response, { url: member?.url ?? endpoint, now: now(), judgeOptions, ...(member && { judgeOwn }) }),
      async single({ mutation: member, ...request }) {
        const startedAt = now()
        const one = await sendAlone(run, member, request)
        note(startedAt, one)
        return one.outcome
      },
      async fetch(url, init) {
        const startedAt = now()
        try {
          const response = await fetchAsUser(run, mutation, url, init)
          const { status, headers } = response
          note(startedAt, { outcome: { kind: 'confirmed', status, headers: {}, body: undefined }, headers })
          return response
        } catch (error) {
          note(startedAt, { outcome: unanswered(error) })
          throw error
        }
      },
    },
  )
  return { sent, head }
}

/** With the headers of the auth provider, and once more with newer ones where the server asks who this is. */
async function fetchAsUser(
  run: Run,
  mutation: Mutation,
  url: Parameters<typeof fetch>[0],
  init: RequestInit | undefined,
): Promise<Response> {
  const { auth, fetch } = run
  const { id, principal } = mutation
  const ports = sendPorts(run, mutation)
  const generation = auth.generation()
  const attempt = async () => {
    const headers = new Headers(init?.headers)
    const own = await auth.headers({ url: String(url), method: 'POST', id, principal }, ports.signal)
    for (const [name, value] of own) headers.set(name, value)
    return fetch(url, { ...init, headers })
  }
  const response = await attempt()
  return response.status === 401 && (await mayRepeat(ports, { generation, principal })) ? attempt() : response
}
