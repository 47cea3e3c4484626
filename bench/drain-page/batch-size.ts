/** Writes in one request to the batch endpoint, for ours and for the one by hand. */
export const BATCH_SIZE = 50
