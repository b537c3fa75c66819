/** JSON as the original's JsonConverter writes it without schemas (Jackson's defaults), so that bytes of keys and values are the same. */

export type JacksonValue = string | number | boolean | null | { readonly [field: string]: JacksonValue }

/** Compact, fields in the order of the object. Numbers are taken for integers. */
export function jacksonText(value: JacksonValue): string {
  if (typeof value === 'string') return jacksonString(value)
  if (value === null || typeof value !== 'object') return String(value)
  return `{${Object.entries(value)
    .map(([field, inner]) => `${jacksonString(field)}:${jacksonText(inner)}`)
    .join(',')}}`
}

/** Like JSON.stringify, but with capital hexadecimal digits in the escapes of control characters. */
export function jacksonString(text: string): string {
  return JSON.stringify(text).replace(/\\u00[01][0-9a-f]/g, (escape) => `\\u${escape.slice(2).toUpperCase()}`)
}
