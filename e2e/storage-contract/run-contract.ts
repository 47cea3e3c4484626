import localforage from 'localforage'
import type { LocalForageInstance } from '../../src/storage/driver.ts'
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
  return { make: instancesOf(localforage, `stock: ${name}`, localforage.INDEXEDDB), end: () => undefined }
}

async function ours(name: string): Promise<Fixture> {
  const storage = await openStorage({ name: `ours: ${name}`, driverName: `driver of ${name}` })
  // Made by an instance of ours: in the plugin's worker our localforage is not the one that is imported here.
  return { make: instancesOf(storage.records, `ours: ${name}`, `driver of ${name}`), end: storage.close }
}

function instancesOf(of: LocalForageInstance, name: string, driver: string): MakeInstance {
  return async (storeName = 'records') => {
    const store = of.createInstance({ name, storeName, driver })
    await store.ready()
    return store
  }
}
