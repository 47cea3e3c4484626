import localforage from 'localforage'
import { localforageContract, type MakeInstance } from '../../src/storage/localforage.contract.ts'
import { openStorage } from '../../src/storage/open-storage.ts'

export type DriverUnderTest = 'localforage' | 'holdfast'

export interface ContractResult {
  passed: number
  /** "name of the case: what was wrong". */
  failed: string[]
}

/** Runs every case of the contract over one driver, each on a database of its own, in whatever context this is. */
export async function runContract(driver: DriverUnderTest): Promise<ContractResult> {
  const result: ContractResult = { passed: 0, failed: [] }
  for (const { name, run } of localforageContract) {
    const { make, end } = await (driver === 'holdfast' ? ours(name) : stock(name))
    try {
      await run(make)
      result.passed += 1
    } catch (error) {
      result.failed.push(`${name}: ${error instanceof Error ? error.message : error}`)
    }
    end()
  }
  return result
}

interface Fixture {
  make: MakeInstance
  end(): void
}

async function stock(name: string): Promise<Fixture> {
  return { make: instancesOf(`stock: ${name}`, localforage.INDEXEDDB), end: () => undefined }
}

async function ours(name: string): Promise<Fixture> {
  const storage = await openStorage({ name: `ours: ${name}`, driverName: `driver of ${name}` })
  return { make: instancesOf(`ours: ${name}`, `driver of ${name}`), end: storage.close }
}

function instancesOf(name: string, driver: string): MakeInstance {
  return async (storeName = 'records') => {
    const store = localforage.createInstance({ name, storeName, driver })
    await store.ready()
    return store
  }
}
