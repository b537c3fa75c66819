import { randomBytes } from 'node:crypto'
import { ConfigError } from '@millrace/api'
import type { SessionKey } from '../../storage/config-store.ts'

/** How the workers of a cluster make the keys that they sign requests with (KIP-507). */
export interface SessionKeyConfig {
  /** `inter.worker.key.generation.algorithm`, a JCA name. */
  readonly algorithm: string
  /** `inter.worker.key.size`, in bits; null for what Java makes by default. */
  readonly keyBits: number | null
  /** `inter.worker.key.ttl.ms`; 0 for keys that are never replaced because of their age. */
  readonly ttlMs: number
}

/** Sizes in bits that Java's key generators choose by themselves. MD5 and SHA-1 take the block size of their hash, the others its length. */
const defaultKeyBits: ReadonlyMap<string, number> = new Map([
  ['hmacmd5', 512],
  ['hmacsha1', 512],
  ['hmacsha224', 224],
  ['hmacsha256', 256],
  ['hmacsha384', 384],
  ['hmacsha512', 512],
])

/** Java refuses shorter ones, too. */
const KEY_BITS_MIN = 40

/** Whole bytes that hold a key's bits. @throws ConfigError for an algorithm or size that keys cannot be made with. */
export function sessionKeyBytes({ algorithm, keyBits }: Pick<SessionKeyConfig, 'algorithm' | 'keyBits'>): number {
  const bits = defaultKeyBits.get(algorithm.toLowerCase())
  if (bits === undefined)
    throw new ConfigError(
      `"inter.worker.key.generation.algorithm" is "${algorithm}", which keys cannot be made for: use one of HmacSHA256, HmacSHA384, HmacSHA512.`,
      {
        key: 'inter.worker.key.generation.algorithm',
      },
    )
  if (keyBits !== null && keyBits < KEY_BITS_MIN)
    throw new ConfigError(`"inter.worker.key.size" is ${keyBits}: a key needs at least ${KEY_BITS_MIN} bits.`, { key: 'inter.worker.key.size' })
  return Math.ceil((keyBits ?? bits) / 8)
}

/** @param now milliseconds since the epoch. @throws as `sessionKeyBytes`. */
export function makeSessionKey(config: SessionKeyConfig, now: number): SessionKey {
  return { key: randomBytes(sessionKeyBytes(config)), algorithm: config.algorithm, creationTimestamp: now }
}

/**
 * When the leader has to replace the key, in milliseconds since the epoch: at once (0) where there is none or it is of another kind than the leader's
 * settings ask for; Infinity for never.
 */
export function sessionKeyExpiration(key: SessionKey | null, config: SessionKeyConfig): number {
  if (key === null || key.algorithm !== config.algorithm || key.key.length !== sessionKeyBytes(config)) return 0
  return config.ttlMs > 0 ? key.creationTimestamp + config.ttlMs : Infinity
}
