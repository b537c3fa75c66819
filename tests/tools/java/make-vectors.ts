// Makes stored vectors anew with the classes of the real Apache Kafka 4.3.1; Java 17 and `npm run test:servers` (which fetches it) come first.
//
//   node tests/tools/java/make-vectors.ts              all
//   node tests/tools/java/make-vectors.ts WireVectors  what this program makes

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { apis } from '@millrace/kafka-protocol'
import { runJavaProgram } from './java-program.ts'

interface Vectors {
  /** A class of this folder; what it prints is stored. */
  readonly program: string
  /** Where, from the root of the repository. */
  readonly file: string
  readonly input?: () => string
}

const all: readonly Vectors[] = [
  { program: 'WireVectors', file: 'packages/kafka-protocol/golden/wire.json' },
  { program: 'MessageVectors', file: 'packages/kafka-protocol/golden/messages.json', input: declaredVersions },
  { program: 'RecordBatchVectors', file: 'tests/vectors/record-batches.json' },
  { program: 'PrimitiveVectors', file: 'tests/vectors/primitives.json' },
  { program: 'AssignorVectors', file: 'tests/vectors/assignors.txt' },
  { program: 'WorkAssignorVectors', file: 'tests/vectors/work-assignors.txt' },
  { program: 'DateFormatVectors', file: 'tests/vectors/simple-date-format.json' },
]

/** A line for each request that we declare: name, first and last version. */
function declaredVersions(): string {
  return Object.values(apis)
    .map(({ name, versions }) => `${name} ${versions.min} ${versions.max}\n`)
    .join('')
}

const root = join(import.meta.dirname, '..', '..', '..')
const wanted = process.argv.slice(2)
for (const { program, file, input } of all) {
  if (wanted.length > 0 && !wanted.includes(program)) continue
  const printed = await runJavaProgram(program, [], input && { input: input() })
  writeFileSync(join(root, file), printed)
  console.log(`${program}: ${printed.length} characters in ${file}`)
}
const unknown = wanted.filter((name) => !all.some(({ program }) => program === name))
if (unknown.length > 0) throw new Error(`There is no program "${unknown.join('", "')}" in the table of ${import.meta.filename}.`)
