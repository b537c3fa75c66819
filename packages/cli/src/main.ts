import { CommanderError } from 'commander'
import { commandLine } from './command-line.ts'
import { EXIT_WRONG_INPUT } from './exit-codes.ts'

/** Runs the command that the arguments name. Never rejects: errors are printed and become the exit code. */
export async function main(args: readonly string[]): Promise<void> {
  try {
    await commandLine().parseAsync(args, { from: 'user' })
  } catch (error) {
    // Commander has printed what was wrong, or the help or version that was asked for.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : EXIT_WRONG_INPUT
    else {
      process.exitCode = EXIT_WRONG_INPUT
      console.error(error)
    }
  }
}
