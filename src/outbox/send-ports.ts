import type { Mutation } from '../protocol/mutation.ts'
import type { Run } from './drain-run.ts'
import { PRINCIPAL_KEY } from './principal.ts'
import type { SendPorts } from './send.ts'

/** What one request takes of its run. */
export function sendPorts(run: Run, mutation: Mutation): SendPorts {
  const { fetch, now, auth, origin, settings, judgeOwn, isOnline } = run
  const judgeOptions = { forbidden: settings.forbidden }
  // From the database: the message that somebody else has signed in may still be on its way.
  const isCurrent = async () => (await run.storage.database.get('meta', PRINCIPAL_KEY)) === mutation.principal
  const signal = run.attemptSignal()
  return { fetch, now, auth, origin, key: settings.key, judgeOwn, judgeOptions, signal, isOnline, isCurrent }
}
