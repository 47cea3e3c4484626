/** The record of `meta` that holds how many mutations were ever appended: the sequence number of the last one. */
export const APPENDED_KEY = 'appended'
