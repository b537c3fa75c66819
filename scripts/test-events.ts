import type { TestEvent } from 'node:test/reporters'
import { inspect } from 'node:util'

/** One line of a test file's event log, as JSON. `name` is the path of names from the outermost suite. */
export type TestFileEvent =
  | { readonly kind: 'started'; readonly name: string }
  | { readonly kind: 'passed'; readonly name: string; readonly durationMs: number }
  | { readonly kind: 'skipped'; readonly name: string; readonly reason: string }
  | { readonly kind: 'failed'; readonly name: string; readonly durationMs: number; readonly error: string }

/** A reporter of node:test that writes a line of JSON per event, for `scripts/test.ts` to sum up. Suites themselves are not counted, only tests. */
export default async function* testEvents(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  // node:test reports in two orders: what runs now ('dequeue') and, later, the results in the order of the file ('start' before 'pass' or 'fail').
  const running: string[] = []
  const reporting: string[] = []
  for await (const event of source) {
    if (event.type === 'test:dequeue') yield line({ kind: 'started', name: pathOf(running, event.data) })
    if (event.type === 'test:start') pathOf(reporting, event.data)
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const { details } = event.data
    const isSuite = details.type === 'suite'
    const name = pathOf(reporting, event.data)
    const durationMs = Math.round(details.duration_ms)
    const notRun = event.data.skip ?? event.data.todo
    if (notRun !== undefined && notRun !== false) yield line({ kind: 'skipped', name, reason: notRun === true ? '' : String(notRun) })
    else if (event.type === 'test:fail') {
      const error = event.data.details.error
      // A suite fails with its tests, which were reported already; what fails in its hooks is the suite's own failure.
      if (isSuite && (error as { failureType?: string }).failureType === 'subtestsFailed') continue
      yield line({ kind: 'failed', name, durationMs, error: inspect(error.cause ?? error, { depth: 6 }) })
    } else if (!isSuite) yield line({ kind: 'passed', name, durationMs })
  }
}

/** Puts a test at its depth into the names around it. */
function pathOf(around: string[], { nesting, name }: { readonly nesting: number; readonly name: string }): string {
  around.length = nesting
  around.push(name)
  return around.join(' › ')
}

function line(event: TestFileEvent): string {
  return `${JSON.stringify(event)}\n`
}
