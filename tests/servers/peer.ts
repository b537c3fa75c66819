import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The release of Apache Kafka that Millrace is compared with. */
export const kafkaVersion = '4.3.1'

/** Earlier releases that the client is tested against; brokers only. */
export const earlierReleases = ['3.3.2', '3.9.1'] as const
export type KafkaRelease = typeof kafkaVersion | (typeof earlierReleases)[number]

/** Where the Java original is kept: `MILLRACE_PEER_HOME`, or `.cache/peer` in the repository. */
export const peerHome = process.env.MILLRACE_PEER_HOME ?? join(import.meta.dirname, '..', '..', '.cache', 'peer')

export const java = process.env.JAVA_HOME === undefined ? 'java' : join(process.env.JAVA_HOME, 'bin', 'java')

/** Broker, tools and Connect: the argument of `java -cp`. */
export const classPath = join(peerHome, 'libs', '*')

/** The argument of `java -cp` for the broker of a release. */
export function brokerClassPath(release: KafkaRelease): string {
  return release === kafkaVersion ? classPath : join(peerHome, `kafka-${release}`, '*')
}

/** A folder for `plugin.path` that holds the file connectors and nothing else. */
export const pluginPath = join(peerHome, 'plugins')

/** Options of the virtual machine that the distribution's scripts set. */
export const jvmOptions: readonly string[] = [
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
  '-XX:MaxInlineLevel=15',
  '-Djava.awt.headless=true',
]

interface Part {
  readonly release: KafkaRelease
  readonly pom: string
  readonly folder: string
}

const parts: readonly Part[] = [
  { release: kafkaVersion, pom: 'kafka', folder: join(peerHome, 'libs') },
  { release: kafkaVersion, pom: 'connect-file', folder: join(pluginPath, 'connect-file') },
  ...earlierReleases.map((release) => ({ release, pom: `kafka-${release}`, folder: join(peerHome, `kafka-${release}`) })),
]

/** Why a release of the original cannot run here, or null where it can: no Java, or not fetched. */
export function whyNoPeer(release: KafkaRelease = kafkaVersion): string | null {
  const isThere = parts.filter((part) => part.release === release).every(isFetched)
  return whyNoJava() ?? (isThere ? null : `Apache Kafka ${release} is not fetched: npm run test:servers does that`)
}

/**
 * For the `skip` option of tests that need the original: false where it can run, else the reason.
 * Where servers are required (`MILLRACE_REQUIRE_SERVERS=1`) nothing is skipped: such a test then fails.
 */
export function skipWithoutPeer(release: KafkaRelease = kafkaVersion): string | false {
  return process.env.MILLRACE_REQUIRE_SERVERS === '1' ? false : (whyNoPeer(release) ?? false)
}

/** Fetches through Maven what is missing or older than its pom. Synchronous: nothing else can be done meanwhile. */
export function fetchPeer(): void {
  const reason = whyNoJava() ?? whyNoMaven()
  if (reason !== null) throw new Error(reason)
  for (const part of parts) if (!isFetched(part)) fetchPart(part)
}

function fetchPart({ pom, folder }: Part): void {
  const build = join(peerHome, 'build', pom)
  for (const path of [build, folder]) {
    rmSync(path, { recursive: true, force: true })
    mkdirSync(path, { recursive: true })
  }
  writeFileSync(join(build, 'pom.xml'), pomOf(pom))
  const attemptsMax = 3
  for (let attempt = 1; ; attempt++) {
    const goal = ['-B', '-q', 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`]
    const result = spawnSync('mvn', goal, { cwd: build, encoding: 'utf8', timeout: 10 * 60_000 })
    if (result.status === 0) break
    const said = `${result.stdout}${result.stderr}`.trim().slice(-2000)
    // A repository sometimes answers late or not at all.
    if (attempt === attemptsMax) throw new Error(`Maven could not fetch ${pom} in ${attemptsMax} attempts:\n${said}`)
    console.error(`Maven failed for ${pom} (attempt ${attempt} of ${attemptsMax}):\n${said.slice(-400)}`)
  }
  writeFileSync(join(folder, '.fetched'), fingerprint(pom))
  console.log(`${pom}: ${readdirSync(folder).filter((file) => file.endsWith('.jar')).length} jars`)
}

function isFetched({ pom, folder }: Part): boolean {
  const stamp = join(folder, '.fetched')
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint(pom)
}

function pomOf(pom: string): string {
  return readFileSync(join(import.meta.dirname, 'poms', `${pom}.pom.xml`), 'utf8')
}

function fingerprint(pom: string): string {
  return createHash('sha256').update(pomOf(pom)).digest('hex')
}

function whyNoJava(): string | null {
  const result = spawnSync(java, ['-version'], { encoding: 'utf8' })
  if (result.error) return `Java 17 or newer is needed, and "${java}" cannot be run: ${result.error.message}`
  const version = Number(/version "(\d+)/.exec(result.stderr)?.[1])
  return version >= 17 ? null : `Java 17 or newer is needed, and "${java}" is ${result.stderr.split('\n')[0]}`
}

function whyNoMaven(): string | null {
  const result = spawnSync('mvn', ['-v'], { encoding: 'utf8' })
  return result.error ? `Maven is needed to fetch Apache Kafka, and "mvn" cannot be run: ${result.error.message}` : null
}
