/** What joins writes that wait: apart, since the generated worker goes without where no rule asks for it. */
export { writeCoalescing } from '../src/outbox/append-coalescing.ts'
