/** Between two looks at files at rest; the original waits as long. Milliseconds. */
export const REST_LOOK_MS = 1000

const waiting = new Set<() => void>()
let timer: NodeJS.Timeout | undefined

/**
 * Calls back when the files at rest of this thread are looked at, within `REST_LOOK_MS`: all in the same turn, from one timer, as each time that the thread
 * wakes costs more than the look.
 *
 * @returns what ends the wait early; it may be called repeatedly.
 */
export function atNextLook(look: () => void): () => void {
  waiting.add(look)
  timer ??= setTimeout(lookAtAll, REST_LOOK_MS)
  return () => {
    if (!waiting.delete(look) || waiting.size > 0) return
    clearTimeout(timer)
    timer = undefined
  }
}

function lookAtAll(): void {
  timer = undefined
  const looks = [...waiting]
  waiting.clear()
  for (const look of looks) look()
}
