import type { Answer } from './small-app.ts'

/** Lets every origin send these headers; answers a preflight, and otherwise as `answer` does. */
export function allowing(headers: string[], answer: Answer): Answer {
  return (arrival, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*')
    if (arrival.method !== 'OPTIONS') return answer(arrival, response)
    response.setHeader('Access-Control-Allow-Headers', headers.join(', ')).end()
  }
}
