/*
 * RC2 (RFC 2268), decryption in CBC mode only. Old PKCS #12 stores encrypt certificates with it, and OpenSSL 3 no longer offers it.
 * Nothing is ever encrypted with it here.
 */

const PI_TABLE = Buffer.from(
  'd978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82' +
    '54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626' +
    '6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed708e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec' +
    'c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731' +
    '2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9' +
    '0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad',
  'hex',
)
const BLOCK_BYTES = 8

/**
 * Decrypts and takes the padding off.
 *
 * @param effectiveBits how many bits of the key count, e.g. 40.
 * @throws RangeError if the length or the padding is wrong, as a wrong key makes it.
 */
export function decryptRc2Cbc(key: Buffer, effectiveBits: number, iv: Buffer, data: Buffer): Buffer {
  if (data.length === 0 || data.length % BLOCK_BYTES !== 0) throw new RangeError('the encrypted bytes are not whole blocks')
  const words = expandKey(key, effectiveBits)
  const plain = Buffer.alloc(data.length)
  let previous = iv
  for (let start = 0; start < data.length; start += BLOCK_BYTES) {
    const block = data.subarray(start, start + BLOCK_BYTES)
    decryptBlock(words, block, plain.subarray(start, start + BLOCK_BYTES))
    for (let i = 0; i < BLOCK_BYTES; i++) plain[start + i]! ^= previous[i]!
    previous = block
  }
  const padding = plain.at(-1)!
  const isPadded = padding >= 1 && padding <= BLOCK_BYTES && plain.subarray(-padding).every((octet) => octet === padding)
  if (!isPadded) throw new RangeError('the padding is wrong')
  return plain.subarray(0, plain.length - padding)
}

function expandKey(key: Buffer, effectiveBits: number): Uint16Array {
  const bytes = Buffer.alloc(128)
  key.copy(bytes)
  for (let i = key.length; i < 128; i++) bytes[i] = PI_TABLE[(bytes[i - 1]! + bytes[i - key.length]!) & 0xff]!
  const effectiveBytes = Math.ceil(effectiveBits / 8)
  const mask = 0xff >> (8 * effectiveBytes - effectiveBits)
  bytes[128 - effectiveBytes] = PI_TABLE[bytes[128 - effectiveBytes]! & mask]!
  for (let i = 127 - effectiveBytes; i >= 0; i--) bytes[i] = PI_TABLE[bytes[i + 1]! ^ bytes[i + effectiveBytes]!]!
  return Uint16Array.from({ length: 64 }, (_, i) => bytes.readUInt16LE(2 * i))
}

function decryptBlock(words: Uint16Array, input: Buffer, output: Buffer): void {
  const r = [input.readUInt16LE(0), input.readUInt16LE(2), input.readUInt16LE(4), input.readUInt16LE(6)] as [number, number, number, number]
  let next = 63
  const mix = (rounds: number): void => {
    for (let round = 0; round < rounds; round++) {
      for (let i = 3; i >= 0; i--) {
        const shift = [1, 2, 3, 5][i]!
        const rotated = ((r[i]! >>> shift) | (r[i]! << (16 - shift))) & 0xffff
        const [a, b, c] = [r[(i + 3) & 3]!, r[(i + 2) & 3]!, r[(i + 1) & 3]!]
        r[i] = (rotated - words[next--]! - (a & b) - (~a & c)) & 0xffff
      }
    }
  }
  const mash = (): void => {
    for (let i = 3; i >= 0; i--) r[i] = (r[i]! - words[r[(i + 3) & 3]! & 63]!) & 0xffff
  }
  mix(5)
  mash()
  mix(6)
  mash()
  mix(5)
  r.forEach((word, i) => output.writeUInt16LE(word, 2 * i))
}
