/** Milliseconds since 1970, in fractions: the one clock that tabs of one machine and Node share (HR-Time §5). */
export function clock(): number {
  return performance.timeOrigin + performance.now()
}
