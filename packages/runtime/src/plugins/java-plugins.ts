import { basename } from 'node:path'

/** Which plug-in of ours stands for what a JAR brought. By the JAR's name without its version. */
const NATIVE_PLUGINS: Readonly<Record<string, string>> = {
  'connect-file': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
  'connect-json': 'org.apache.kafka.connect.json.JsonConverter',
}

/** The class name of the plug-in to use in place of a JAR's, or null where none is known. */
export function nativePluginForJar(jar: string): string | null {
  const name = basename(jar).replace(/(-\d[\w.+-]*)?\.(jar|zip)$/i, '')
  return NATIVE_PLUGINS[name] ?? null
}
