import { existsSync } from 'node:fs'
import { isAbsolute, normalize, sep } from 'node:path'
import { ConfigDef, ConfigError } from '@millrace/api'

export const allowedPathsConfig = new ConfigDef().define('allowed.paths', {
  type: 'STRING',
  default: null,
  importance: 'MEDIUM',
  documentation: 'A comma separated list of paths that this config provider is allowed to access. If not set, all paths are allowed.',
})

/** The folders and files below which a provider may read. Symbolic links are not resolved, as in the original. */
export class AllowedPaths {
  readonly #paths: readonly string[] | null

  /** @param list comma-separated; null or empty: everything is allowed. @throws ConfigError where a path is relative or does not exist. */
  constructor(list: string | null) {
    this.#paths = list ? list.split(',').map(checkedPath) : null
  }

  /** The path to read, or null where it is not allowed. */
  resolve(path: string): string | null {
    if (this.#paths === null) return path
    const normal = withoutEndSeparator(normalize(path))
    return this.#paths.some((allowed) => normal === allowed || normal.startsWith(allowed === sep ? sep : allowed + sep)) ? normal : null
  }
}

function checkedPath(path: string): string {
  const normal = withoutEndSeparator(normalize(path))
  if (!isAbsolute(normal)) throw new ConfigError(`Path ${normal} is not absolute`)
  if (!existsSync(normal)) throw new ConfigError(`Path ${normal} does not exist`)
  return normal
}

function withoutEndSeparator(path: string): string {
  return path.length > 1 && path.endsWith(sep) ? path.slice(0, -1) : path
}
