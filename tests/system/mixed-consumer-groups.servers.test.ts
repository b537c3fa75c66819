import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { startBroker } from '@millrace/broker'
import { Admin, Consumer, silentLogger as logger, type TopicPartition } from '@millrace/kafka'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { classPath, java, skipWithoutPeer } from '../servers/peer.ts'

const TOPIC = 'shared'
const PARTITIONS = 6

/** A member of a group, of either kind, that polls until it is stopped. */
interface Member {
  readonly owned: ReadonlySet<number>
  /** `assigned 0,1`, `revoked 1` and so on, without those of no partitions. */
  readonly events: readonly string[]
  stop(): Promise<void>
}

class Noted {
  readonly owned = new Set<number>()
  readonly events: string[] = []

  note(event: string, partitions: readonly number[]): void {
    if (partitions.length > 0) this.events.push(`${event} ${partitions}`)
    for (const partition of partitions) {
      if (event === 'assigned') this.owned.add(partition)
      else this.owned.delete(partition)
    }
  }
}

/** Java consumers in one virtual machine, which ends with this process. */
class JavaMembers {
  readonly #jvm: ChildProcessByStdio<Writable, Readable, null>
  readonly #members = new Map<string, Noted & { isStopped?: boolean }>()
  #made = 0

  constructor(bootstrapServers: string) {
    const source = join(import.meta.dirname, 'java', 'GroupMembers.java')
    this.#jvm = spawn(java, ['-Xmx256M', '-cp', classPath, source, bootstrapServers, TOPIC], { stdio: ['pipe', 'pipe', 'ignore'] })
    this.#jvm.stdin.on('error', () => undefined)
    createInterface(this.#jvm.stdout).on('line', (line) => {
      const [name = '', event = '', partitions = ''] = line.split(' ')
      const member = this.#members.get(name)
      if (event === 'stopped' && member) member.isStopped = true
      else member?.note(event, partitions === '' ? [] : partitions.split(',').map(Number))
    })
  }

  start(group: string, assignors: string): Member {
    const name = `java-${++this.#made}`
    const member: Noted & { isStopped?: boolean } = new Noted()
    this.#members.set(name, member)
    this.#jvm.stdin.write(`start ${name} ${group} ${assignors}\n`)
    const stop = async () => {
      this.#jvm.stdin.write(`stop ${name}\n`)
      await waitFor(() => member.isStopped, { what: `${name} to stop` })
      member.owned.clear()
    }
    return Object.assign(member, { stop })
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#jvm.once('exit', resolve))
    this.#jvm.stdin.end()
    await ended
  }
}

function startOurs(bootstrapServers: string, group: string, assignors: string): Member {
  const noted = new Noted()
  const properties = {
    'bootstrap.servers': bootstrapServers,
    'group.id': group,
    'partition.assignment.strategy': assignors,
    'heartbeat.interval.ms': '100',
  }
  const consumer = new Consumer(properties, { logger })
  const numbers = (partitions: readonly TopicPartition[]) => partitions.map(({ partition }) => partition).sort()
  consumer.subscribe(
    { topics: [TOPIC] },
    {
      assigned: (partitions) => noted.note('assigned', numbers(partitions)),
      revoked: (partitions) => noted.note('revoked', numbers(partitions)),
      lost: (partitions) => noted.note('lost', numbers(partitions)),
    },
  )
  let isStopped = false
  const poll = async () => {
    while (!isStopped) await consumer.poll(50)
  }
  const polling = poll()
  const stop = async () => {
    isStopped = true
    await polling
    await consumer.close()
  }
  return Object.assign(noted, { stop })
}

describe('groups of Java consumers and ours', { skip: skipWithoutPeer() }, () => {
  const endings: (() => void | Promise<void>)[] = []
  let bootstrapServers = ''
  let javaMembers: JavaMembers

  before(async () => {
    const properties = { 'group.initial.rebalance.delay.ms': '0' }
    const broker = await startBroker({ port: 0, dataDir: temporaryFolder({ after: (action) => endings.push(action) }), logger, properties })
    endings.unshift(() => broker.close())
    bootstrapServers = `${broker.host}:${broker.port}`
    const admin = new Admin({ 'bootstrap.servers': bootstrapServers }, { logger })
    await admin.createTopics([{ name: TOPIC, partitions: PARTITIONS, replicationFactor: 1 }])
    await admin.close()
    javaMembers = new JavaMembers(bootstrapServers)
  })
  after(async () => {
    await javaMembers?.end()
    for (const end of endings) await end()
  })

  for (const name of ['Range', 'RoundRobin', 'Sticky', 'CooperativeSticky']) {
    test(`share out with the ${name}Assignor, led by either`, async (t) => {
      const assignors = `org.apache.kafka.clients.consumer.${name}Assignor`
      const group = `mixed-${name}`
      let members: Member[] = []
      const join = (member: Member) => {
        members.push(member)
        return member
      }
      const leave = async (member: Member) => {
        await member.stop()
        members = members.filter((other) => other !== member)
      }
      t.after(() => Promise.all(members.map((member) => member.stop())).then(() => undefined))
      const settled = async (...counts: readonly number[]) => {
        const isSettled = () => {
          const owned = members.flatMap(({ owned }) => [...owned])
          return owned.length === PARTITIONS && new Set(owned).size === PARTITIONS && String(sizes(members)) === String(counts)
        }
        await waitFor(isSettled, {
          what: `members with ${counts} partitions`,
          describe: () => members.map(({ events }) => events.join(' ')),
          deadlineMs: 60_000,
        })
      }

      const first = join(javaMembers.start(group, assignors))
      await settled(6)
      const second = join(startOurs(bootstrapServers, group, assignors))
      await settled(3, 3)
      const third = join(startOurs(bootstrapServers, group, assignors))
      await settled(2, 2, 2)
      const moves = (some: readonly Member[]) => some.flatMap(({ events }) => events.filter((event) => event.startsWith('revoked')))
      if (name === 'CooperativeSticky') {
        // Nobody gives up more than what moves: three for the second member, one of each for the third.
        assert.deepEqual(
          moves([first, second, third]).map((event) => event.split(',').length),
          [3, 1, 1],
        )
      }
      // From now on one of ours leads.
      await leave(first)
      await settled(3, 3)
      const before = moves([second, third]).length
      join(javaMembers.start(group, assignors))
      await settled(2, 2, 2)
      join(javaMembers.start(group, assignors))
      await settled(2, 2, 1, 1)
      const later = moves([second, third]).slice(before)
      if (name === 'CooperativeSticky')
        assert.ok(
          later.every((event) => event.split(',').length === 1),
          later.join(' '),
        )
    })
  }
})

function sizes(members: readonly Member[]): number[] {
  return members.map(({ owned }) => owned.size).sort((a, b) => b - a)
}
