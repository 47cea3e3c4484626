import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What lies between the browser and the server of the app. A browser without a switch for it goes offline here. */
export interface Network {
  url: string
  /** Connections are refused, and what was open is broken. */
  offline(): Promise<void>
  /** All is well again; what hangs is broken. */
  online(): Promise<void>
  /** Connections are accepted, and nothing is ever answered, neither on those that are open. */
  hang(): void
  /** The next answers to a POST, so many, do not arrive: the connection breaks when the server has begun to answer. */
  loseAnswers(count: number): void
  close(): void
}

export async function startNetwork(serverPort: number): Promise<Network> {
  const open = new Set<Socket>()
  let hangs = false
  let toLose = 0

  const server = createServer(near => {
    const far = connect(serverPort, '127.0.0.1')
    let isPost = false
    for (const socket of [near, far]) {
      open.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        open.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', data => {
      isPost ||= data.subarray(0, 5).toString() === 'POST '
      if (!hangs) far.write(data)
    })
    far.on('data', data => {
      if (hangs) return
      if (!isPost || toLose === 0) return void near.write(data)
      toLose -= 1
      near.destroy()
    })
  })
  const listen = (port: number) => new Promise<void>(done => server.listen(port, 'localhost', done))
  const breakAll = () => {
    for (const socket of open) socket.destroy()
  }

  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://localhost:${port}/`,
    async offline() {
      const closed = new Promise(done => server.close(done))
      breakAll()
      await closed
    },
    async online() {
      hangs = false
      breakAll()
      if (!server.listening) await listen(port)
    },
    hang() {
      hangs = true
    },
    loseAnswers(count) {
      toLose = count
    },
    close() {
      breakAll()
      server.close()
    },
  }
}
