/**
 * Bytes that share their memory with nothing. Those of `Buffer.from` are cut from 64 KiB, all of which stays as long as one of them is kept, and is copied along with
 * each message to another thread: for what is kept, or sent to threads, that is a thousand times its size.
 */
export function ownBytes(content: string | Uint8Array): Buffer {
  const isText = typeof content === 'string'
  const bytes = Buffer.allocUnsafeSlow(isText ? Buffer.byteLength(content) : content.length)
  if (isText) bytes.write(content)
  else bytes.set(content)
  return bytes
}
