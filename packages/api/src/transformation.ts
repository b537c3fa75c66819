import type { MaybePromise } from './maybe-promise.ts'
import type { Plugin, PluginContext, Properties } from './plugin.ts'
import type { ConnectRecord } from './record.ts'

/** Changes records one by one (`org.apache.kafka.connect.transforms.Transformation`). One instance per task and alias, used on the task's thread. */
export interface Transformation<R extends ConnectRecord = ConnectRecord> extends Plugin {
  configure(properties: Properties, context: PluginContext): void
  /** @returns the changed record, null to filter it, or several that take its place, in order. Never changes its argument. */
  apply(record: R): MaybePromise<R | readonly R[] | null>
  /** As `apply` for each record in turn, where doing many at once is cheaper. One answer per record, in order. */
  applyBatch?(records: readonly R[]): MaybePromise<readonly (R | readonly R[] | null)[]>
  close?(): MaybePromise<void>
}

/** Decides whether a transformation applies (`org.apache.kafka.connect.transforms.predicates.Predicate`). */
export interface Predicate<R extends ConnectRecord = ConnectRecord> extends Plugin {
  configure(properties: Properties, context: PluginContext): void
  test(record: R): boolean
  close?(): MaybePromise<void>
}
