import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { startBroker } from '@millrace/broker'
import { clientKeys, clientMetricNames, silentLogger as logger } from '@millrace/kafka'
import { temporaryFolder } from '@millrace/testing'
import { skipWithoutPeer } from '../servers/peer.ts'
import { runJavaProgram } from '../tools/java/java-program.ts'

/** Defaults that differ on purpose; `bootstrap.servers` may be empty for an admin client of controllers, which is not supported. */
const OTHER_DEFAULTS: ReadonlySet<string> = new Set(['batch.size', 'bootstrap.servers'])

describe('the tables of the client and the Java clients', { skip: skipWithoutPeer() }, () => {
  let lines: readonly (readonly string[])[] = []

  before(async () => {
    const endings: (() => void | Promise<void>)[] = []
    const broker = await startBroker({ port: 0, dataDir: temporaryFolder({ after: (action) => endings.push(action) }), logger })
    try {
      const printed = await runJavaProgram('ClientNames', [`${broker.host}:${broker.port}`])
      lines = printed.split('\n').map((line) => line.split('\t'))
    } finally {
      await broker.close()
      for (const end of endings) await end()
    }
  })

  test('name the same keys, with the same types and defaults', () => {
    const theirs = lines.filter(([kind]) => kind === 'key').map(([, client = '', name = '', type = '', fallback = '']) => ({ client, name, type, fallback }))
    assert.ok(theirs.length > 200)
    const isPublic = ({ name }: { readonly name: string }) => !name.startsWith('internal.')
    const ours = clientKeys.flatMap((key) => key.clients.map((client) => ({ client, name: key.name, type: key.type, fallback: defaultText(key.default) })))
    const text = ({ client, name, type, fallback }: (typeof theirs)[number]) =>
      [client, name, type, OTHER_DEFAULTS.has(name) ? '' : fallback.replaceAll('class ', '')].join(' ')
    assert.deepEqual(ours.map(text).sort(), theirs.filter(isPublic).map(text).sort())
  })

  test('name the same metrics', () => {
    const theirs = lines.filter(([kind]) => kind === 'metric').map(([, ...parts]) => parts.join(' ').trim())
    assert.ok(theirs.length > 200)
    const ours = clientMetricNames.map(({ group, name, tags }) => `${group} ${name} ${[...tags].sort().join(',')}`.trim())
    assert.deepEqual(ours.sort(), [...new Set(theirs)].sort())
  })
})

function defaultText(value: string | null | undefined): string {
  return value === undefined ? 'required' : value === null ? 'none' : `=${value}`
}
