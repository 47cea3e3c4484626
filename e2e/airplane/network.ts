import { execFileSync } from 'node:child_process'

/** Of iproute2. */
export const IP = 'ip'

/** A network of two: the device, alone in a network namespace of its own, and this machine at the other end of a cable. */
export interface Network {
  /** The namespace in which the device's programs run. */
  namespace: string
  /** This machine's address, as the device knows it. Nobody else can reach it. */
  address: string
  /** Airplane mode: the device's only interface goes down, and what is on its way is lost. */
  down(): void
  up(): void
  /** The link stays up, and no packet arrives any more, in either direction. Nobody is told. */
  dropPackets(): void
  passPackets(): void
}

/** Says why there can be no such network on this machine; `undefined` when there can. */
export function whyNoNetwork(): string | undefined {
  if (process.platform !== 'linux') return 'there are network namespaces on Linux only'
  if (process.getuid?.() !== 0) return 'this is not root'
  try {
    createNetwork()
    removeNetwork(process.pid)
    return undefined
  } catch (error) {
    const { code, stderr = '' } = error as { code?: string; stderr?: string }
    return code === 'ENOENT' ? 'there is no "ip" (iproute2)' : `"ip" says: ${stderr.trim() || error}`
  }
}

/** Makes the network of this process; there is one at a time. */
export function createNetwork(): Network {
  const places = placesOf(process.pid)
  const { namespace, near, far, address, deviceAddress } = places
  removeNetwork(process.pid)
  try {
    ip('netns', 'add', namespace)
    ip('link', 'add', far, 'address', FAR_MAC, 'type', 'veth', 'peer', 'name', near, 'address', DEVICE_MAC)
    ip('link', 'set', near, 'netns', namespace)
    ip('addr', 'add', `${address}/30`, 'dev', far)
    ip('-n', namespace, 'addr', 'add', `${deviceAddress}/30`, 'dev', near)
    ip('-n', namespace, 'link', 'set', 'lo', 'up')
    ip('link', 'set', far, 'up')
    up(places)
  } catch (error) {
    removeNetwork(process.pid)
    throw error
  }
  return {
    namespace,
    address,
    down: () => ip('-n', namespace, 'link', 'set', near, 'down'),
    up: () => up(places),
    dropPackets: () => deliver(places, { toDevice: NOBODY_MAC, toFar: NOBODY_MAC }),
    passPackets: () => deliver(places, { toDevice: DEVICE_MAC, toFar: FAR_MAC }),
  }
}

/** The processes that have made a network which is still there. */
export function networkOwners(): number[] {
  const lines = ip('netns', 'list').split('\n')
  return lines.map(line => Number(/^holdfast-(\d+)\b/.exec(line)?.[1])).filter(Boolean)
}

/** Ends every program of the device, and removes what that process has made. May be called twice. */
export function removeNetwork(pid: number): void {
  const { namespace, far } = placesOf(pid)
  for (const program of tryIp('netns', 'pids', namespace).split('\n').filter(Boolean)) {
    try {
      process.kill(Number(program), 'SIGKILL')
    } catch {
      // It ended by itself meanwhile.
    }
  }
  tryIp('link', 'del', far)
  tryIp('netns', 'del', namespace)
}

const [DEVICE_MAC, FAR_MAC, NOBODY_MAC] = ['02:00:00:00:00:02', '02:00:00:00:00:01', '02:00:00:00:00:99']

interface Places {
  namespace: string
  /** The device's end of the cable. */
  near: string
  /** This machine's end. */
  far: string
  address: string
  deviceAddress: string
}

/** Names and addresses that no other run has. 198.18.0.0/15 is for tests of network devices (RFC 2544). */
function placesOf(pid: number): Places {
  const subnet = (pid % 2 ** 15) * 4
  const addressAt = (host: number) => {
    const rest = subnet + host
    return `198.${18 + (rest >> 16)}.${(rest >> 8) & 255}.${rest & 255}`
  }
  return {
    namespace: `holdfast-${pid}`,
    near: `hf${pid}d`,
    far: `hf${pid}`,
    address: addressAt(1),
    deviceAddress: addressAt(2),
  }
}

function up(places: Places): void {
  ip('-n', places.namespace, 'link', 'set', places.near, 'up')
  deliver(places, { toDevice: DEVICE_MAC, toFar: FAR_MAC })
}

/**
 * Says whom packets are for. One for nobody is dropped on arrival, and the sender learns nothing of it. Nobody asks who has
 * an address, since a question that is never answered would make requests fail after seconds instead of hang.
 */
function deliver(places: Places, { toDevice, toFar }: { toDevice: string; toFar: string }): void {
  const { namespace, near, far, address, deviceAddress } = places
  ip('neigh', 'replace', deviceAddress, 'lladdr', toDevice, 'dev', far, 'nud', 'permanent')
  ip('-n', namespace, 'neigh', 'replace', address, 'lladdr', toFar, 'dev', near, 'nud', 'permanent')
}

function ip(...args: string[]): string {
  return execFileSync(IP, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** What is not there is as good as removed. */
function tryIp(...args: string[]): string {
  try {
    return ip(...args)
  } catch {
    return ''
  }
}
