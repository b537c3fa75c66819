/** A copy that shares its memory with nothing: those of `Buffer.from` are cut from 64 KiB, all of which stays as long as one of them is kept. */
export function ownBytes(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}
