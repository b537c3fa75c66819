import { createWriteStream, existsSync, renameSync } from 'node:fs'
import { once } from 'node:events'

const words = 'the quick brown fox jumps over lazy dogs while seven wizards quietly mix strong potions for a boxing jury'.split(' ')

/** A line of 100 ASCII characters and a line feed, different from every other. */
export function textLine(index: number): string {
  let line = `${index} `
  for (let word = index; line.length < 100; word = (word * 31 + 7) % 1_000_003) line += `${words[word % words.length]} `
  return `${line.slice(0, 100)}\n`
}

/** An object of about 290 characters as JSON, with what events have: numbers, texts, booleans, null, nesting and a list. */
export function jsonLine(index: number): string {
  const event = {
    id: index,
    type: words[index % words.length],
    user: { id: (index * 7919) % 100_000, name: `user-${index % 1000}`, email: `user-${index % 1000}@example.com`, active: index % 3 === 0 },
    amount: ((index * 37) % 100_000) / 100,
    currency: 'EUR',
    tags: [words[(index + 3) % words.length], words[(index + 5) % words.length]],
    note: index % 4 === 0 ? null : `order of ${words[(index + 7) % words.length]} and ${words[(index + 11) % words.length]}`,
    created_at: 1_760_000_000_000 + index * 17,
    source: { host: `app-${index % 16}.example.com`, version: '2.14.0' },
  }
  return `${JSON.stringify(event)}\n`
}

/** As `jsonLine`, but that every tenth object is cut off in the middle. */
export function brokenJsonLine(index: number): string {
  const line = jsonLine(index)
  return index % 10 === 9 ? `${line.slice(0, line.length >> 1)}\n` : line
}

/** Writes the file unless it is there, whole. */
export async function writeLines(path: string, lines: number, line: (index: number) => string): Promise<void> {
  if (existsSync(path)) return
  const file = createWriteStream(`${path}.part`)
  for (let from = 0; from < lines; from += 5000) {
    const block = Array.from({ length: Math.min(5000, lines - from) }, (_, index) => line(from + index)).join('')
    if (!file.write(block)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'close')
  renameSync(`${path}.part`, path)
}
