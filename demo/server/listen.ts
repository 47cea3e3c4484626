import { once } from 'node:events'
import type { Server } from 'node:http'

/** What listens: one server per address, all on one port. */
export interface Listening {
  port: number
  close(graceMs: number): Promise<void>
}

/**
 * Listens on `host`. `localhost` is both 127.0.0.1 and ::1: a browser may try either, and must not find another program
 * on the one that is not ours. Rejects with an Error of one clear line when the port is in use.
 */
export async function listen(create: () => Server, port: number, host: string): Promise<Listening> {
  const servers: Server[] = []
  try {
    if (host !== 'localhost') servers.push(await open(create(), port, host))
    else servers.push(...(await openLoopback(create, port)))
  } catch (error) {
    throw explained(error, port, host)
  }
  return { port: portOf(servers[0]), close: graceMs => closeAll(servers, graceMs) }
}

async function openLoopback(create: () => Server, port: number): Promise<Server[]> {
  for (let tries = 1; ; tries++) {
    const four = await open(create(), port, '127.0.0.1')
    try {
      return [four, await open(create(), portOf(four), '::1')]
    } catch (error) {
      // A machine without IPv6 has no ::1, and needs none.
      if (isCode(error, 'EADDRNOTAVAIL') || isCode(error, 'EAFNOSUPPORT')) return [four]
      four.close()
      if (port !== 0 || tries === 10) throw error
    }
  }
}

async function open(server: Server, port: number, host: string): Promise<Server> {
  server.listen(port, host)
  await once(server, 'listening')
  return server
}

function portOf(server: Server | undefined): number {
  const address = server?.address()
  if (typeof address === 'object' && address) return address.port
  throw new Error('The server does not listen')
}

// Answers under way get their time; connections that wait for nothing, or for ever, do not hold the end.
async function closeAll(servers: Server[], graceMs: number): Promise<void> {
  const timer = setTimeout(() => {
    for (const server of servers) server.closeAllConnections()
  }, graceMs)
  const closings = servers.map(server => new Promise(resolve => server.close(resolve)))
  for (const server of servers) server.closeIdleConnections()
  await Promise.all(closings)
  clearTimeout(timer)
}

function explained(error: unknown, port: number, host: string): unknown {
  if (isCode(error, 'EADDRINUSE')) return new Error(`Port ${port} is in use. Set PORT to another one, or to 0 for any.`)
  if (isCode(error, 'EACCES')) return new Error(`Port ${port} may not be used. Set PORT to one above 1023.`)
  if (isCode(error, 'ENOTFOUND') || isCode(error, 'EADDRNOTAVAIL'))
    return new Error(`This machine has no address ${host}. Set HOST to one that it has, such as localhost or 0.0.0.0.`)
  return error
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
