import { nearestName } from '../config/nearest-name.ts'
import { type Hint, hintOf, hints } from '../errors/hints.ts'

/** The hint that was probably meant: ids without their letters, or with a digit too many or too few, are understood. Null where nothing is near. */
export function nearestHint(id: string): Hint | null {
  const digits = /\d+/.exec(id)?.[0] ?? ''
  const exact = hintOf(`MR-${digits}`)
  if (exact !== null || digits === '') return exact
  const name = nearestName(
    digits,
    hints.map((each) => each.id.slice('MR-'.length)),
  )
  return name === null ? null : hintOf(`MR-${name}`)
}
