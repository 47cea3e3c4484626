import type { AuthProvider } from '../handlers.ts'
import type { Context } from './context.ts'
import type { Faults } from './faults.ts'
import type { Environment } from './plan.ts'
import { portCall } from './port-call.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'
import type { ServerRequest } from './server-model.ts'
import { ORIGINS } from './write-input.ts'

/** Who is signed in, as the server and the device have it: tokens of the device run out, and are made new. */
export interface Session {
  /** As an app would register it; it may fail, and never answer. */
  providerFor(context: Context): AuthProvider
  /** Whether the server takes this request for whose it is. */
  isSignedIn(request: ServerRequest): boolean
  /** A person gives the password. */
  signIn(): void
}

export interface SessionPorts {
  refresh: Environment['refresh']
  scheduler: Scheduler
  random: Random
  faults: Faults
}

export function createSession({ refresh, scheduler, random, faults }: SessionPorts): Session {
  let generation = 0
  const present = () => faults.expired(scheduler.now())
  const signIn = () => {
    generation = present()
  }
  const takesTime = (context: Context) =>
    portCall<void>({ context, signal: undefined }, ({ resolve }) => {
      const run = () => resolve()
      scheduler.schedule({ context, delayMs: random.between(0, 20), label: 'auth provider answers', run })
    })

  const renew = async (): Promise<boolean> => {
    if (!faults.isOn || refresh === 'works') {
      signIn()
      return true
    }
    if (refresh === 'throws') throw new Error('No refresh today')
    return refresh === 'hangs' ? new Promise<never>(() => undefined) : false
  }

  return {
    signIn,
    isSignedIn: ({ origin, token = '' }) =>
      refresh === undefined || !TRUSTED.includes(origin) || Number(token.split(' ')[2]) >= present(),
    providerFor: context => ({
      origins: [ORIGINS.keys],
      async headers({ principal = 'nobody' }) {
        const effect = faults.auth()
        await takesTime(context)
        if (effect === 'throws') throw new Error('No token today')
        if (effect === 'hangs') return new Promise<never>(() => undefined)
        return { authorization: `Bearer ${principal} ${generation}` }
      },
      ...(refresh !== 'none' && {
        async refresh() {
          await takesTime(context)
          return renew()
        },
      }),
    }),
  }
}

const TRUSTED = [ORIGINS.app, ORIGINS.keys]
