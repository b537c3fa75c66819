import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { describe, type TestContext } from 'node:test'
import { Admin, silentLogger } from '@millrace/kafka'
import { startGuardedProcess, temporaryFolder, waitFor, writeJavaProperties } from '@millrace/testing'
import { startMillraceBroker } from './broker-under-test.ts'
import { fromSources, type MillraceWorker, type Properties, runMillrace, startWorker } from './millrace-process.ts'

const PLAIN_MODULE = 'org.apache.kafka.common.security.plain.PlainLoginModule'
const stringConverter = 'org.apache.kafka.connect.storage.StringConverter'

describe('exit codes and messages of the command', () => {
  test('help and version are asked for, and end with 0', async () => {
    const help = await runMillrace(['--help'])
    assert.deepEqual([help.code, /standalone/.test(help.output), /broker/.test(help.output)], [0, true, true], help.output)
    const version = await runMillrace(['--version'])
    assert.equal(version.code, 0)
    assert.match(version.output, /^\d+\.\d+\.\d+\S*\n$/)
  })

  for (const [what, args] of [
    ['no command', []],
    ['an unknown command', ['distribute']],
    ['an unknown option', ['standalone', '--fast', 'worker.properties']],
    ['no worker file', ['standalone']],
    ['a port that is none', ['broker', '--port', '70000']],
  ] as const) {
    test(`${what} ends with 2 and says how to ask for help`, async () => {
      const { code, output } = await runMillrace(args)
      assert.equal(code, 2, output)
      assert.match(output, /--help|Usage/)
    })
  }

  test('a worker file that is not there ends with 2 and is named', async () => {
    const { code, output } = await runMillrace(['standalone', '/nowhere/worker.properties'])
    assert.equal(code, 2, output)
    assert.match(output, /\/nowhere\/worker\.properties/)
  })

  test('a malformed worker file ends with 2 and names file and line', async (t) => {
    const file = join(temporaryFolder(t), 'worker.properties')
    writeFileSync(file, 'bootstrap.servers=127.0.0.1:1\nkey.converter=\\u00zz\n')
    const { code, output } = await runMillrace(['standalone', file])
    assert.equal(code, 2, output)
    assert.ok(output.includes(`${file}:2`), output)
  })

  test('wrong settings of the worker end with 2 and name the key', async (t) => {
    const folder = temporaryFolder(t)
    for (const [properties, expected] of [
      [{ 'bootstrap.servers': '127.0.0.1:1' }, /key\.converter/],
      [{ ...worker(folder, '127.0.0.1:1'), 'offset.flush.interval.ms': 'soon' }, /offset\.flush\.interval\.ms/],
      [{ ...worker(folder, '127.0.0.1:1'), listeners: 'ftp://127.0.0.1:0' }, /listeners|ftp/],
      // What only a client notices is told where it stands, too.
      [worker(folder, '127.0.0.1'), /worker\.properties:1: Invalid url in bootstrap\.servers: 127\.0\.0\.1/],
      [{ 'request.timeout.ms': '-4', ...worker(folder, '127.0.0.1:1') }, /worker\.properties:1: Invalid value -4 for configuration request\.timeout\.ms/],
    ] as const) {
      const { code, output } = await runMillrace(['standalone', writeJavaProperties(join(folder, 'worker.properties'), properties)])
      assert.equal(code, 2, output)
      assert.match(output, expected)
    }
  })

  test('a worker of a cluster ends with 2 where it is told too little, asked for too much, or its Kafka cluster cannot be reached', async (t) => {
    const folder = temporaryFolder(t)
    const complete = {
      ...worker(folder, '127.0.0.1:1'),
      'group.id': 'workers',
      'config.storage.topic': 'configs',
      'offset.storage.topic': 'offsets',
      'status.storage.topic': 'statuses',
      'default.api.timeout.ms': '1000',
      'request.timeout.ms': '1000',
    }
    for (const [properties, expected] of [
      [worker(folder, '127.0.0.1:1'), /Missing required configuration "group\.id"/],
      [{ ...complete, 'exactly.once.source.support': 'enabled' }, /exactly-once delivery of source connectors comes with a later release/],
      [{ ...complete, 'bootstrap.servers': 'embedded' }, /is for standalone mode/],
      [complete, /worker\.properties:1: Failed to connect to and describe Kafka cluster "127\.0\.0\.1:1"/],
      [
        { 'heartbeat.interval.ms': '10000', ...complete },
        /worker\.properties:1: .* heartbeat\.interval\.ms: Heartbeat must be set lower than the session timeout/,
      ],
    ] as const) {
      const { code, output } = await runMillrace(['distributed', writeJavaProperties(join(folder, 'worker.properties'), properties)])
      assert.equal(code, 2, output)
      assert.match(output, expected)
    }
  })

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`a worker of a cluster stops cleanly on ${signal}`, async (t) => {
      const folder = temporaryFolder(t)
      const broker = await startMillraceBroker({ folder: join(folder, 'broker') })
      t.after(() => broker.stop())
      const started = await startWorker({ mode: 'distributed', folder: join(folder, 'worker'), bootstrapServers: broker.bootstrapServers })
      t.after(() => started.killAtOnce())
      await waitFor(async () => (await started.client.health()).status === 'healthy', { what: 'its first assignment' })
      started.process.kill(signal)
      assert.deepEqual(await started.process.exited, { code: 0 }, started.process.output)
      assert.match(started.process.output, /leaves group "connect-cluster"/)
    })
  }

  for (const [what, text, expected] of [
    ['without a name', 'connector.class=FileStreamSource\n', /missing the mandatory 'name' configuration/],
    ['of an unknown class', 'name=x\nconnector.class=NoSuchSource\n', /Failed to find any class that implements Connector and which name matches NoSuchSource/],
    [
      'with a wrong setting',
      'name=x\nconnector.class=FileStreamSource\ntopic=t\nbatch.size=many\n',
      /connector\.properties:4: Invalid value many for configuration batch\.size/,
    ],
    ['that is malformed', 'name=x\nfile=\\u12\n', /Failed to create connector: \S+connector\.properties:2: malformed/],
  ] as const) {
    test(`a connector file ${what} ends the worker with 3 and says so`, async (t) => {
      const folder = temporaryFolder(t)
      const connector = join(folder, 'connector.properties')
      writeFileSync(connector, text)
      const { code, output } = await runMillrace(
        ['standalone', writeJavaProperties(join(folder, 'worker.properties'), worker(folder, 'embedded')), connector],
        {
          cwd: folder,
        },
      )
      assert.equal(code, 3, output)
      assert.match(output, expected)
    })
  }
})

describe('the embedded broker as a command', () => {
  test('refuses a second one on the same folder, and a port that is taken', async (t) => {
    const folder = temporaryFolder(t)
    const broker = await startMillraceBroker({ folder })
    t.after(() => broker.stop())
    const port = broker.bootstrapServers.split(':')[1] ?? ''
    const sameFolder = await runMillrace(['broker', '--port', '0', '--data-dir', join(folder, 'data')])
    assert.equal(sameFolder.code, 2, sameFolder.output)
    assert.ok(sameFolder.output.includes(join(folder, 'data')), sameFolder.output)
    const samePort = await runMillrace(['broker', '--port', port, '--data-dir', join(folder, 'other')])
    assert.equal(samePort.code, 2, samePort.output)
    assert.ok(samePort.output.includes(port), samePort.output)
  })

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`stops cleanly on ${signal}`, async (t) => {
      const broker = await startMillraceBroker({ folder: temporaryFolder(t) })
      broker.process.kill(signal)
      assert.deepEqual(await broker.process.exited, { code: 0 }, broker.process.output)
    })
  }
})

describe('the embedded broker with a file of settings', () => {
  test('asks for TLS and passwords as its file says, and for nothing that is given on the command line', async (t) => {
    const folder = temporaryFolder(t)
    const stores = join(import.meta.dirname, '..', '..', 'packages', 'kafka', 'testdata')
    const file = writeJavaProperties(join(folder, 'server.properties'), {
      listeners: 'SASL_SSL://127.0.0.1:1',
      'ssl.keystore.type': 'PKCS12',
      'ssl.keystore.location': join(stores, 'server.p12'),
      'ssl.keystore.password': 'store-secret',
      'listener.name.sasl_ssl.plain.sasl.jaas.config': `${PLAIN_MODULE} required user_alice="alice-secret";`,
    })
    const { command, args } = fromSources()
    const broker = await startGuardedProcess({
      command,
      args: [...args, 'broker', '--config', file, '--port', '0', '--data-dir', join(folder, 'data')],
      cwd: folder,
    })
    t.after(() => broker.killAtOnce())
    const [, address = ''] = await broker.printed(/listens on (\S+),/)
    const admin = (password: string): Admin =>
      new Admin(
        {
          'bootstrap.servers': address,
          'security.protocol': 'SASL_SSL',
          'sasl.mechanism': 'PLAIN',
          'sasl.jaas.config': `${PLAIN_MODULE} required username="alice" password="${password}";`,
          'ssl.truststore.type': 'PEM',
          'ssl.truststore.location': join(stores, 'ca.pem'),
        },
        { logger: silentLogger },
      )
    const [known, stranger] = [admin('alice-secret'), admin('wrong')]
    t.after(() => Promise.all([known.close(), stranger.close()]))
    assert.match((await known.describeCluster()).clusterId ?? '', /^[\w-]{22}$/)
    await assert.rejects(stranger.describeCluster(), { code: 'SASL_AUTHENTICATION_FAILED' })
    const wrong = {
      'sasl.jaas.config': `${PLAIN_MODULE} required username="alice" password="wrong-secret";`,
      'sasl.mechanism': 'PLAIN',
      'security.protocol': 'SASL_SSL',
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': join(stores, 'ca.pem'),
    }
    const { code, output } = await runMillrace(['standalone', writeJavaProperties(join(folder, 'worker.properties'), { ...wrong, ...worker(folder, address) })])
    assert.equal(code, 2, output)
    assert.match(output, /worker\.properties:1: .*Authentication failed: Invalid username or password/)
    assert.doesNotMatch(broker.output + output, /secret/)
  })

  test('tells what is wrong in it by file, line and key', async (t) => {
    const file = join(temporaryFolder(t), 'server.properties')
    writeFileSync(file, '# a broker\nlisteners=SASL_PLAINTEXT://127.0.0.1:0\n')
    const { code, output } = await runMillrace(['broker', '--config', file])
    assert.equal(code, 2, output)
    assert.match(output, /server\.properties:2: "listeners" asks for SASL, but there are no users/)
  })
})

describe('a worker with the broker inside', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`keeps its data over a clean stop on ${signal}`, async (t) => {
      const folder = temporaryFolder(t)
      const { started, input, output } = await copying(t, folder)
      await waitFor(() => started.process.hasExited || sameText(input, output), { what: 'the copy', describe: () => started.describe('source', 'sink') })
      started.process.kill(signal)
      assert.deepEqual(await started.process.exited, { code: 0 }, started.process.output)

      writeFileSync(input, 'one\ntwo\nthree\n')
      const again = await copying(t, folder)
      await waitFor(() => again.started.process.hasExited || sameText(input, output), {
        what: 'the third line, once',
        describe: () => again.started.describe('source', 'sink'),
      })
    })
  }

  test('stops cleanly when npx is asked to', async (t) => {
    const folder = temporaryFolder(t)
    const file = writeJavaProperties(join(folder, 'worker.properties'), { ...worker(folder, 'embedded'), listeners: 'http://127.0.0.1:0' })
    const root = join(import.meta.dirname, '..', '..')
    const npx = await startGuardedProcess({ command: 'npx', args: ['--no', 'millrace', 'standalone', file], cwd: root })
    t.after(() => npx.killAtOnce())
    await npx.printed(/Kafka Connect started/)
    npx.kill('SIGTERM')
    await npx.printed(/Kafka Connect stopped/, 20_000)
    await npx.exited
  })
})

async function copying(t: TestContext, folder: string): Promise<{ started: MillraceWorker; input: string; output: string }> {
  const [input, output] = [join(folder, 'in.txt'), join(folder, 'out.txt')]
  mkdirSync(folder, { recursive: true })
  if (!existsSync(input)) writeFileSync(input, 'one\ntwo\n')
  const started = await startWorker({
    folder: join(folder, 'worker'),
    bootstrapServers: 'embedded',
    connectors: [
      { name: 'source', 'connector.class': 'FileStreamSource', file: input, topic: 'lines' },
      { name: 'sink', 'connector.class': 'FileStreamSink', file: output, topics: 'lines' },
    ],
  })
  t.after(() => started.killAtOnce())
  return { started, input, output }
}

function worker(folder: string, bootstrapServers: string): Properties {
  return {
    'bootstrap.servers': bootstrapServers,
    'key.converter': stringConverter,
    'value.converter': stringConverter,
    'offset.storage.file.filename': join(folder, 'connect.offsets'),
    listeners: 'http://127.0.0.1:0',
  }
}

function sameText(a: string, b: string): boolean {
  return existsSync(b) && readFileSync(a, 'utf8') === readFileSync(b, 'utf8')
}
