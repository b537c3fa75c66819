import { Command } from 'commander'
import { brokerCommand } from './commands/broker.ts'
import { distributedCommand } from './commands/distributed.ts'
import { explainCommand } from './commands/explain.ts'
import { standaloneCommand } from './commands/standalone.ts'
import { packageVersion } from './version.ts'

/** All commands. Their help and errors go to the standard streams; they throw CommanderError instead of ending the process. */
export function commandLine(): Command {
  const program = new Command('millrace')
    .description('Kafka Connect without the JVM')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .showSuggestionAfterError()
    .showHelpAfterError('(see millrace --help)')
  program.exitOverride()
  for (const command of [standaloneCommand(), distributedCommand(), brokerCommand(), explainCommand()]) {
    command.copyInheritedSettings(program)
    program.addCommand(command)
  }
  return program
}
