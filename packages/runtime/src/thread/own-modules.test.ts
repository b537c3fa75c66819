import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import { Worker } from 'node:worker_threads'
import { entryUrl } from './entry-url.ts'

/** Every module that a thread of tasks loads, as resolved: its address and its format. */
async function modulesLoaded({ isShort }: { readonly isShort: boolean }): Promise<readonly string[]> {
  const code = `
    import { registerHooks } from 'node:module'
    import { parentPort } from 'node:worker_threads'
    if (${isShort}) (await import(${JSON.stringify(new URL('./own-modules.ts', import.meta.url).href)})).resolveOwnModules()
    const found = new Set()
    registerHooks({
      resolve(specifier, context, nextResolve) {
        const { url, format } = nextResolve(specifier, context)
        if (context.conditions.includes('import')) found.add(url + ' ' + format)
        return { url, format, shortCircuit: true }
      },
    })
    await import(${JSON.stringify(new URL('./assemble-task.ts', entryUrl('task')).href)})
    parentPort.postMessage([...found].sort())`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`))
  const [modules] = (await once(worker, 'message')) as [readonly string[]]
  await worker.terminate()
  return modules
}

test('modules of Millrace are found where Node finds them', async () => {
  const [short, long] = await Promise.all([modulesLoaded({ isShort: true }), modulesLoaded({ isShort: false })])
  assert.ok(long.length > 100)
  assert.deepEqual(short, long)
})
