/**
 * A value, or a promise of it. Contracts on a record's path return this so that plug-ins that need no waiting cost none:
 * the runtime awaits only what is a promise.
 */
export type MaybePromise<T> = T | Promise<T>
