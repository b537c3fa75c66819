import { readFileSync } from 'node:fs'

/** The version of Kafka Connect that this one is compatible with; tools decide by it. */
export const COMPATIBLE_VERSION = '4.3.1'

/** The version of this package. */
export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  return manifest.version
}

/** The commit that this build was made of, 16 hexadecimal digits as the original shows it. */
export function buildCommit(): string {
  const commit = textOf('../build-commit.txt') ?? repositoryCommit()
  return commit?.trim().slice(0, 16) || 'Unknown'
}

/** In the repository: what is checked out. */
function repositoryCommit(): string | null {
  const head = textOf('../../../.git/HEAD')
  const reference = /^ref: (\S+)/.exec(head ?? '')?.[1]
  if (reference === undefined) return head
  const packed = textOf('../../../.git/packed-refs')?.split('\n') ?? []
  return textOf(`../../../.git/${reference}`) ?? packed.find((line) => line.endsWith(` ${reference}`)) ?? null
}

function textOf(path: string): string | null {
  try {
    return readFileSync(new URL(path, import.meta.url), 'utf8')
  } catch {
    return null // Not there: it is looked for elsewhere.
  }
}
