import { HoldfastError } from '../protocol/errors.ts'

/** Loads an optional peer dependency, and says which one to install when it is not there. */
export async function loadDependency<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    throw new HoldfastError({
      code: 'missing-dependency',
      action: 'open the database',
      reason: `the package ${name} could not be loaded`,
      hint: `Install it: npm install ${name}.`,
      cause,
    })
  }
}
