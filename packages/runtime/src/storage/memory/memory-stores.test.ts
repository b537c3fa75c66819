import { configStoreConformance, offsetStoreConformance, statusStoreConformance } from '@millrace/testing'
import { MemoryConfigStore } from './memory-config-store.ts'
import { MemoryOffsetStore } from './memory-offset-store.ts'
import { MemoryStatusStore } from './memory-status-store.ts'

offsetStoreConformance('memory', { place: async () => ({ open: () => new MemoryOffsetStore(), isDurable: false, remove: async () => undefined }) })
configStoreConformance('memory', () => new MemoryConfigStore())
statusStoreConformance('memory', () => new MemoryStatusStore())
