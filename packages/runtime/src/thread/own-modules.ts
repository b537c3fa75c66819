import { registerHooks, type ResolveFnOutput } from 'node:module'

/** Where the packages of Millrace lie side by side. */
const packagesUrl = new URL('../../../', import.meta.url).href

/**
 * From now on this thread resolves what the modules of Millrace import without looking at the file system. Node looks at each import by itself, for its
 * package, its real path and its format, and of imports there are nearly a thousand: in a new thread that takes longer than everything else. What plug-ins
 * import is resolved by Node as ever. Called once, before they are imported: by each thread, and by the command, to which this file is a door of its own.
 */
export function resolveOwnModules(): void {
  const known = new Map<string, ResolveFnOutput>()
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const importer = context.conditions.includes('import') ? packageOf(context.parentURL) : null
      if (importer === null) return nextResolve(specifier, context)
      if (specifier.startsWith('node:')) return { url: specifier, shortCircuit: true }
      if (specifier.startsWith('.')) {
        const format = formatOf(specifier)
        return format === null ? nextResolve(specifier, context) : { url: new URL(specifier, context.parentURL).href, format, shortCircuit: true }
      }
      // A package may have another version of a dependency than its neighbour.
      const name = `${importer} ${specifier}`
      const resolved = known.get(name) ?? { ...nextResolve(specifier, context), shortCircuit: true }
      known.set(name, resolved)
      return resolved
    },
  })
}

/** The name of the folder of our package that a module belongs to; null for what is not ours, or is not a module of its `src` or `dist`. */
function packageOf(url: string | undefined): string | null {
  if (url?.startsWith(packagesUrl) !== true) return null
  const [name = '', folder] = url.slice(packagesUrl.length).split('/', 2)
  return folder === 'src' || folder === 'dist' ? name : null
}

function formatOf(path: string): string | null {
  if (path.endsWith('.js')) return 'module'
  return path.endsWith('.ts') ? 'module-typescript' : null
}
