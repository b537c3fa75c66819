import { globSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'

/** The repository's root. */
export const root = join(import.meta.dirname, '..', '..')

/** Every file of the repository that people wrote, as paths from the root with forward slashes. */
export function repositoryFiles(pattern: string): string[] {
  const foreign = new Set(['node_modules', '.git', '.cache', 'dist', 'millrace-data'])
  return globSync(pattern, { cwd: root, withFileTypes: true, exclude: (entry) => foreign.has(entry.name) })
    .filter((entry) => entry.isFile())
    .map((entry) => posix.relative(root, posix.join(entry.parentPath, entry.name)))
    .sort()
}

export function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

export interface Import {
  readonly specifier: string
  readonly line: number
}

/** What a file imports, statically or by `import()`, and the modules that it starts threads or processes from (`new URL('./x.ts', import.meta.url)`). */
export function importsOf(source: string): Import[] {
  const forms = [/^\s*(?:import|export)\s[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm, /^\s*import\s*['"]([^'"]+)['"]/gm, /\bimport\(\s*['"]([^'"]+)['"]/g]
  return forms.flatMap((form) =>
    [...source.matchAll(form)].map((match) => ({ specifier: match[1] ?? '', line: source.slice(0, match.index + match[0].length).split('\n').length })),
  )
}

/** A relative import as a path from the root. */
export function resolveImport(file: string, specifier: string): string {
  return posix.join(dirname(file), specifier)
}
