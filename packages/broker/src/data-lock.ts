import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BrokerError } from './errors.ts'

/** Who holds the lock. Times and boot tell a living process from another one that got its number later. */
interface Holder {
  readonly pid: number
  /** When the process began, in the system's own ticks since boot; null where the system does not tell. */
  readonly startedAt: string | null
  readonly bootId: string | null
}

/** The lock file of a data folder. */
export function lockPath(dataDir: string): string {
  return join(dataDir, '.lock')
}

/**
 * Takes the lock file of a data folder, so that no two brokers write to it. A lock whose process is gone is taken over.
 *
 * @returns releases the lock.
 * @throws BrokerError BROKER_LOCKED.
 */
export function lockDataDir(dataDir: string): () => void {
  const path = lockPath(dataDir)
  const mine = JSON.stringify(holderOf(process.pid))
  // A second round is needed where a stale lock was removed; more, only if others do the same at the same moment.
  for (let round = 0; round < 5; round++) {
    if (createExclusively(path, mine)) return () => rmSync(path, { force: true })
    const text = readIfThere(path)
    if (text === undefined) continue
    if (isAlive(text)) {
      throw new BrokerError(
        'BROKER_LOCKED',
        `The data folder "${dataDir}" is in use by the broker of process ${parseHolder(text)?.pid}. Stop it or choose another folder.`,
      )
    }
    removeStale(path, text)
  }
  throw new BrokerError('BROKER_LOCKED', `The lock file "${path}" changes all the time; other brokers seem to start on the same folder.`)
}

function createExclusively(path: string, content: string): boolean {
  const draft = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`
  writeFileSync(draft, content)
  try {
    // A link appears with its content, and only if there is none: nobody can read a lock that is half written.
    linkSync(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Moves the lock away; if meanwhile another broker has replaced it, it gets its lock back. */
function removeStale(path: string, stale: string): void {
  const moved = `${path}.stale.${process.pid}`
  try {
    renameSync(path, moved)
  } catch {
    return // Somebody else was faster.
  }
  if (readIfThere(moved) !== stale) {
    try {
      linkSync(moved, path)
    } catch {
      // A third one has taken the lock in between.
    }
  }
  rmSync(moved, { force: true })
}

function isAlive(text: string): boolean {
  const holder = parseHolder(text)
  if (!holder) return false
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const now = holderOf(holder.pid)
  // Without the times, a lock under our own number can only be from an earlier process, as in a container that was started again.
  if (now.startedAt === null) return holder.pid !== process.pid
  return now.startedAt === holder.startedAt && now.bootId === holder.bootId
}

function holderOf(pid: number): Holder {
  const stat = readIfThere(`/proc/${pid}/stat`)
  // The name of the process, in parentheses, may hold anything; the 22nd field is the 20th after it.
  const startedAt = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  return { pid, startedAt, bootId: readIfThere('/proc/sys/kernel/random/boot_id')?.trim() ?? null }
}

function parseHolder(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Holder
    return Number.isInteger(holder.pid) ? holder : undefined
  } catch {
    return undefined
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
