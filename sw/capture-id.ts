/**
 * A UUID v7 (RFC 9562, 5.7) of that time, in milliseconds, and of the last ten of these 16 bytes: with the same bytes the
 * same. It counts nothing within a millisecond, since writes get their order from the outbox.
 */
export function idOf(msecs: number, random: Uint8Array): string {
  const time = msecs.toString(16).padStart(12, '0')
  const [version, variant] = [Number(random[6]), Number(random[8])]
  const bytes = [(version & 0x0f) | 0x70, Number(random[7]), (variant & 0x3f) | 0x80, ...random.subarray(9, 16)]
  const hex = time + bytes.map(byte => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
