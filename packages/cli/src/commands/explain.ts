import { Command } from 'commander'
import type { Hint } from '@millrace/runtime'
import { EXIT_WRONG_INPUT } from '../exit-codes.ts'

/** `millrace explain`: what a hint in a failure stands for, and what helps. */
export function explainCommand(): Command {
  return new Command('explain')
    .description('explain the hint of a failure, such as MR-2101, or list all of them')
    .argument('[hint]', 'as it stands in the status of a connector or task, or in the log')
    .action(explain)
}

async function explain(id: string | undefined): Promise<void> {
  const { hintOf, hints, nearestHint } = await import('@millrace/runtime')
  if (id === undefined) return console.log(listOf(hints))
  const hint = hintOf(id.trim().toUpperCase())
  if (hint !== null) return console.log(textOf(hint))
  const nearest = nearestHint(id)
  process.exitCode = EXIT_WRONG_INPUT
  console.error(`There is no hint ${id}. millrace explain lists all of them.`)
  if (nearest !== null) console.error(`\nThe nearest is:\n\n${textOf(nearest)}`)
}

function listOf(hints: readonly Hint[]): string {
  return hints.map(({ id, class: failureClass, title }) => `${id}  ${failureClass.padEnd(14)}  ${title}`).join('\n')
}

function textOf({ id, title, class: failureClass, meaning, see, try: advice }: Hint): string {
  return [`${id}: ${title} (${failureClass})`, meaning, `Where to look: ${see}`, `Try: ${advice}`].map((part) => folded(part)).join('\n\n')
}

const LINE_LENGTH_MAX = 100

function folded(text: string): string {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line !== undefined && line.length + 1 + word.length <= LINE_LENGTH_MAX) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines.join('\n')
}
