/**
 * A system property of Java, as it stands in the environment variable `KAFKA_OPTS`: `-D<name>=<value>`.
 * A few settings of Kafka's security exist in this form only, and deployments set them there.
 *
 * @returns null if it is not set.
 */
export function javaSystemProperty(name: string, options: string = process.env.KAFKA_OPTS ?? ''): string | null {
  let value: string | null = null
  for (const [word] of options.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)) {
    const [, found, text] = /^-D([^=]+)=(.*)$/s.exec(word.replace(/["']/g, '')) ?? []
    if (found === name) value = text ?? ''
  }
  return value
}

/** The values between the commas of a system property that allows something; none by default. */
export function javaAllowList(name: string, options?: string): string[] {
  return (javaSystemProperty(name, options) ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}
