import { type FSWatcher, watch as watchPath } from 'node:fs'
import { realpath, statfs } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Logger } from '@millrace/api'

/**
 * File systems whose files nobody changes but this kernel, which therefore can tell of each change, as `statfs` names them.
 * Those of networks, of user space and of virtual machines are changed from elsewhere in silence.
 */
const LOCAL_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0x2fc12fc1, // ZFS
  0xf2f52010, // F2FS
  0x01021994, // tmpfs
  0x794c7630, // overlayfs of containers, which tells of changes through itself, also of a file that it only then copies up
])

/** What the kernel has seen of a file since this was made: written to, truncated, moved, replaced or removed. */
export interface FileWatch {
  readonly hasChanged: boolean
  close(): void
}

/**
 * Watches the file at `path`. Whoever calls this looks at the file once more afterwards, as it may have changed meanwhile.
 * What happens to the folders above the file is not seen.
 *
 * @returns null where the kernel does not tell of every change, or has no watches left: then the file has to be looked at.
 */
export async function watchFile(path: string, logger: Logger, watch: typeof watchPath = watchPath): Promise<FileWatch | null> {
  if (process.platform !== 'linux') return null
  try {
    // A symbolic link may be changed to name another file, of which the first one knows nothing.
    if ((await realpath(path)) !== resolve(path) || !LOCAL_FILE_SYSTEMS.has((await statfs(path)).type)) return null
    return new KernelWatch(watch(path, { persistent: false }))
  } catch (error) {
    logger.debug(`File ${path} cannot be watched; it is looked at once a second`, error)
    return null
  }
}

class KernelWatch implements FileWatch {
  readonly #watcher: FSWatcher
  #hasChanged = false

  constructor(watcher: FSWatcher) {
    this.#watcher = watcher
    const changed = (): void => {
      this.#hasChanged = true
      // Once is enough, and a file that is written to has many changes.
      watcher.close()
    }
    watcher.on('change', changed)
    watcher.on('error', changed)
  }

  get hasChanged(): boolean {
    return this.#hasChanged
  }

  close(): void {
    this.#watcher.close()
  }
}
