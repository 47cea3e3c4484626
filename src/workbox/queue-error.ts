/** The names of the errors that workbox-background-sync throws, by which its users tell them. */
export type QueueErrorName = 'duplicate-queue-name' | 'queue-replay-failed'

/** An error with the name and the details that Workbox gives it, in this package's words. */
export function queueError(name: QueueErrorName, queueName: string): Error {
  return Object.assign(new Error(TEXTS[name](queueName)), { name, details: { name: queueName } })
}

const TEXTS: Record<QueueErrorName, (queueName: string) => string> = {
  'duplicate-queue-name': queueName =>
    `Failed to make the queue "${queueName}": there is one of that name. Use one Queue or BackgroundSyncPlugin for each name.`,
  'queue-replay-failed': queueName =>
    `Failed to replay the queue "${queueName}": some of its requests still wait. Nothing is lost; they are sent again later.`,
}
