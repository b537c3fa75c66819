/** A float64 in Java's notation (`Double.toString`): `1.0`, `1.0E10`, `NaN`. The fewest digits that tell it from its neighbours, as since JDK 19. */
export function javaDouble(value: number): string {
  const magnitude = Math.abs(value)
  if (magnitude >= 1e-3 && magnitude < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value)
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  if (!Number.isFinite(value)) return String(value)
  return scientific(value.toExponential(), value)
}

/** A float32 in Java's notation (`Float.toString`): the fewest digits that tell it from its neighbours. */
export function javaFloat(value: number): string {
  const float = Math.fround(value)
  const magnitude = Math.abs(float)
  if (float === 0 || !Number.isFinite(float)) return javaDouble(float)
  const shortest = shortestFloat(float)
  if (magnitude >= 1e-3 && magnitude < 1e7) return javaDouble(Number(shortest))
  return scientific(shortest, float)
}

function shortestFloat(float: number): string {
  for (let digits = 0; digits < 8; digits++) {
    const text = float.toExponential(digits)
    if (Math.fround(Number(text)) === float) return text
  }
  return float.toExponential(8)
}

/** `d.ddE-7` of JavaScript's `d.dde-7`. Java shows at least two digits and, where one is enough to tell the number, those two that are nearest to it. */
function scientific(text: string, value: number): string {
  const [digits, exponent] = (text.includes('.') ? text : value.toExponential(1)).split('e') as [string, string]
  return `${digits}E${exponent.startsWith('+') ? exponent.slice(1) : exponent}`
}
