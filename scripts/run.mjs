// Starts a script of the repository on the Node that the lock file names, and installs first what is missing.
//
//   node scripts/run.mjs scripts/test.ts [arguments]     a script
//   node scripts/run.mjs biome [arguments]               a command of node_modules/.bin
//
// Plain JavaScript, because the machine's own Node may be as old as 20; everything behind it runs on Node 24 from node_modules.

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const commands = join(root, 'node_modules', '.bin')
const node24 = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')

const [target, ...args] = process.argv.slice(2)
if (target === undefined) fail('usage: node scripts/run.mjs SCRIPT|COMMAND [arguments]')

if (!isInstalled()) install()
if (!existsSync(node24))
  fail('Node 24 is missing in node_modules: npm did not run the install script of the package "node". Run: npm rebuild node --ignore-scripts=false')
start()

/** Whether node_modules holds what package-lock.json asks for. npm keeps its own record of what it installed; both are compared entry by entry. */
function isInstalled() {
  const wanted = packagesOf(join(root, 'package-lock.json'))
  const installed = packagesOf(join(root, 'node_modules', '.package-lock.json'))
  if (wanted === null || installed === null) return false
  return Object.entries(wanted).every(([path, entry]) => {
    // The root itself is not in npm's record, packages for other platforms are not installed.
    if (path === '' || entry.optional || entry.peer) return true
    const found = installed[path]
    return found !== undefined && found.version === entry.version && found.integrity === entry.integrity
  })
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    // Missing or half-written: install.
    return null
  }
}

function install() {
  console.error('Installing dependencies (npm ci) …')
  // npm under npm: the same npm that runs this script, whatever PATH says.
  const npm = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm']
  // Only errors: the packages ask for Node 24, and on an older one npm would warn of each of them, though everything runs on Node 24.
  const result = spawnSync(npm[0], [...npm.slice(1), 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
    shell: process.platform === 'win32',
  })
  if (result.error) fail(`npm ci could not be started: ${result.error.message}`)
  if (result.status !== 0) fail(`npm ci failed${result.status === null ? ` (${result.signal})` : ` with exit code ${result.status}`}`)
}

function start() {
  const isScript = /\.(ts|mjs|js)$/.test(target)
  const child = spawn(node24, [isScript ? join(root, target) : join(commands, target), ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${commands}${delimiter}${process.env.PATH ?? ''}`, npm_config_update_notifier: 'false' },
  })
  child.on('error', (error) => fail(`${node24} could not be started: ${error.message}`))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // Ctrl-C in a terminal reaches the whole group by itself; a second one would make the child give up its clean stop.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
  })
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
