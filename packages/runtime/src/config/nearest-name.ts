const DISTANCE_MAX = 4

/** The known name that was probably meant, or null. @param distanceMax how many letters may be otherwise; beyond that two names are strangers. */
export function nearestName(name: string, known: readonly string[], distanceMax = DISTANCE_MAX): string | null {
  const distances = known.map((candidate) => ({ candidate, distance: editDistance(name, candidate) })).sort((a, b) => a.distance - b.distance)
  const [best] = distances
  return best !== undefined && best.distance <= distanceMax ? best.candidate : null
}

/** Insertions, deletions and replacements that turn one text into the other. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const replaced = (previous[column - 1] as number) + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, (previous[column] as number) + 1, (current[column - 1] as number) + 1))
    }
    previous = current
  }
  return previous[b.length] as number
}
