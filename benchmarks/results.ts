/** The document with the section of that name replaced, or put at its end where it is new. What stands outside of such sections is kept. */
export function withSection(document: string, name: string, section: string): string {
  const opening = `<!-- ${name}: written by the benchmarks -->`
  const closing = `<!-- end of ${name} -->`
  const text = `${opening}\n\n${section}\n\n${closing}`
  const start = document.indexOf(opening)
  const end = document.indexOf(closing)
  if (start === -1 || end < start) return `${document.trimEnd()}\n\n${text}\n`
  return document.slice(0, start) + text + document.slice(end + closing.length)
}
