import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConnectClient } from '@millrace/rest-api'
import type { GuardedProcess } from '@millrace/testing'
import { launchJavaConnect } from '../tests/servers/java-connect.ts'
import { fromSources, launchWorker, type Program, type Properties } from '../tests/system/millrace-process.ts'
import { originalSide } from './report.ts'

/** One of the workers that are compared. */
export interface Side {
  readonly name: string
  /** Starts a worker without waiting for it. */
  launch(options: LaunchOptions): Promise<LaunchedWorker>
}

export interface LaunchOptions {
  /** Default: standalone. */
  readonly mode?: 'standalone' | 'distributed'
  readonly folder: string
  readonly bootstrapServers: string
  readonly properties: Properties
}

export interface LaunchedWorker {
  readonly process: GuardedProcess
  readonly url: string
  readonly client: ConnectClient
}

/** The original as its users can best have it: plugins found by service loading, only the file connectors on the plugin path. */
export const java: Side = { name: originalSide, launch: launchJava }

/** The same with batches as large as ours are by default: what a user who knows this setting gets. */
export const javaWithLargeBatches: Side = {
  name: `${originalSide} with batch.size=65536`,
  launch: (options) => launchJava({ ...options, properties: { 'producer.batch.size': '65536', ...options.properties } }),
}

export const sources: Side = { name: 'Millrace from sources', launch: (options) => launchMillrace(fromSources(), options) }

/** What users install: packs all packages, and installs the tarballs into a folder of their own. */
export function packed(folder: string): Side {
  const root = join(import.meta.dirname, '..')
  const tarballs = join(folder, 'tarballs')
  const installation = join(folder, 'installation')
  mkdirSync(installation, { recursive: true })
  const output = execFileSync(process.execPath, [join(root, 'scripts/pack.ts'), '--out', tarballs], { cwd: root, encoding: 'utf8' })
  writeFileSync(join(installation, 'package.json'), '{ "private": true }')
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--silent', ...output.trim().split('\n')], { cwd: installation })
  const program: Program = { command: process.execPath, args: [join(installation, 'node_modules/.bin/millrace')] }
  return { name: 'Millrace', launch: (options) => launchMillrace(program, options) }
}

async function launchMillrace(program: Program, options: LaunchOptions): Promise<LaunchedWorker> {
  const worker = await launchWorker({ program, ...options })
  return { process: worker.process, url: worker.url, client: worker.client }
}

async function launchJava(options: LaunchOptions): Promise<LaunchedWorker> {
  const { worker, url } = await launchJavaConnect({ ...options, mode: options.mode ?? 'standalone' })
  return { process: worker, url, client: new ConnectClient(url) }
}
