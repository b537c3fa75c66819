import { crc32c as crc32cOf } from '@node-rs/crc32'
import type { Checksum } from '@millrace/kafka-protocol'

/** CRC-32C, as record batches have it. */
export const crc32c: Checksum = (data) => crc32cOf(data)
