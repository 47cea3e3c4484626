import type { CaptureTerms, Handlers } from '../src/outbox/handlers.ts'
import { invalidMutation } from '../src/outbox/invalid-mutation.ts'
import { isMembers, isPriority } from '../src/outbox/mutation-input.ts'
import type { CaptureRule } from '../src/protocol/capture.ts'
import { HoldfastError } from '../src/protocol/errors.ts'

/** Throws a `HoldfastError` of code `invalid-options` where a rule names a handler that there is none of. */
export function assertHandlers(rules: readonly CaptureRule[], { captures = {} }: Handlers = {}): void {
  const unknown = rules.find(({ handler }) => handler !== undefined && !Object.hasOwn(captures, handler))
  if (unknown === undefined) return
  throw new HoldfastError({
    code: 'invalid-options',
    action: 'keep the writes of the app',
    reason: `there is no "${unknown.handler}" among handlers.captures`,
    hint: 'Give the worker the module that has it, with the option handlers.',
  })
}

/** Throws a `HoldfastError` of code `invalid-mutation` where the app's function has said what cannot be; rules are checked. */
export function assertTerms({ entity, priority = 0, coalesce, meta }: CaptureTerms): void {
  const wrong =
    (!(entity && typeof entity === 'string') && 'entity') ||
    (!isPriority(priority) && 'priority') ||
    (![undefined, false, 'replace', 'merge'].includes(coalesce) && 'coalesce') ||
    (meta !== undefined && !isMembers(meta) && 'meta')
  if (wrong) throw invalidMutation(`its ${wrong} cannot be`, 'See CaptureTerms for what a handler may say.')
}
