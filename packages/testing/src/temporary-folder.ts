import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Whatever runs functions at its end: the context of a test, a `DisposableStack`-like list of a program. */
export interface CleanUp {
  after(action: () => void | Promise<void>): void
}

/** A new empty folder that is removed, with what it holds, when the test is over. `MILLRACE_KEEP=1` leaves it and prints where it is. */
export function temporaryFolder(context: CleanUp): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-'))
  context.after(() => {
    if (process.env.MILLRACE_KEEP === '1') console.log(`kept: ${folder}`)
    else rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  })
  return folder
}
