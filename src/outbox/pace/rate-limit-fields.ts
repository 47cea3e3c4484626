/** What `RateLimit` and `RateLimit-Policy` of an answer say. */
export interface RateLimit {
  /** So many requests may still be sent within `resetMs`; undefined where the answer does not say both. */
  readonly quota?: { readonly remaining: number; readonly resetMs: number }
  /** How many requests may be under way at once. */
  readonly atOnce?: number
}

/**
 * Reads `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10, sections 3, 4 and 7; -11 reads
 * the same on the wire). Of the structured fields (RFC 9651) it knows what these two need: a list of strings with
 * parameters. A malformed field is ignored as a whole, and so are both on an answer out of a cache (`Age` above 0). Where
 * several limits hold, `quota` is the tightest that counts requests.
 *
 * `Retry-After` goes before it: that is the caller's to see to. Of another origin, a page sees these fields only where
 * the server lists them in `Access-Control-Expose-Headers`.
 *
 * @example
 * readRateLimit(new Headers({ ratelimit: '"default";r=50;t=30' })).quota?.remaining // 50
 */
export function readRateLimit(headers: Headers): RateLimit {
  if (Number(headers.get('age')) > 0) return {}
  const policies = readField(headers.get('ratelimit-policy'), 'q', 'w')
  const quota = readField(headers.get('ratelimit'), 'r', 't')
    .map(({ name, amount, seconds }) => {
      const policy = policies.find(candidate => candidate.name === name)
      return { unit: policy?.unit ?? REQUESTS, remaining: amount, resetMs: (seconds ?? policy?.seconds ?? 0) * 1000 }
    })
    // A limit in bytes, or on what runs at once, is not one on requests over time.
    .filter(({ unit, resetMs }) => resetMs > 0 && unit === REQUESTS)
    .sort((a, b) => tightness(b) - tightness(a))[0]
  const atOnce = policies.filter(({ unit }) => unit === AT_ONCE).map(({ amount }) => amount)
  return { quota, atOnce: atOnce.length > 0 ? Math.min(...atOnce) : undefined }
}

const REQUESTS = '"requests"'
const AT_ONCE = '"concurrent-requests"'

// No string that matters here has an escape in it. Sticky: each stops at the first thing that it does not know, which is then left over.
const ITEM = /[ \t]*("[^"\\]*")((?:"[^"\\]*"|[^",])*)(?:,(?=.)|$)/gy
const PARAMETER = /; *([a-z*][\w.*-]*)(?:=("[^"\\]*"|[^\s",;]+))?/gy

interface Item {
  /** As it stands there, in its quotes: the same name in both fields is the same text. */
  readonly name: string
  readonly unit: string
  readonly amount: number
  readonly seconds: number | undefined
}

/** All or nothing: a list with one bad item is a malformed field. */
function readField(field: string | null, amountIn: string, secondsIn: string): Item[] {
  const items: Item[] = []
  const rest = field?.replace(ITEM, (_, name: string, parameters: string) => {
    const values: { [key: string]: string; qu: string } = { qu: REQUESTS }
    const unknown = parameters.replace(PARAMETER, (_, key: string, value = '?1') => {
      values[key] = value
      return ''
    })
    const seconds = values[secondsIn]
    items.push({
      name,
      unit: values.qu,
      amount: natural(values[amountIn]),
      seconds: seconds ? natural(seconds) : undefined,
    })
    return unknown.trim()
  })
  return !rest && items.every(({ amount, seconds = 0 }) => amount >= 0 && seconds >= 0) ? items : []
}

function natural(text = ''): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : -1
}

/** The higher, the tighter: what is used up comes first, then what has to last longest per request. */
function tightness({ remaining, resetMs }: { remaining: number; resetMs: number }): number {
  return resetMs / (remaining || 1e-9)
}
