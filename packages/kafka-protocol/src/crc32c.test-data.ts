const table = new Uint32Array(256).map((_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1
  return crc
})

/** Plain CRC-32C, so that the tests of this package need no library. */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of data) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff]!
  return (crc ^ 0xffff_ffff) >>> 0
}
