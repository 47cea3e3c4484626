/**
 * What few ever ask of a database. It is a chunk of its own, which a page that records writes does not load, and the
 * generated worker has nothing of it.
 */
export { deleteDatabase } from './delete-database.ts'
export { countRange, readRange } from './range.ts'
export { walks } from './walk.ts'
