import type { Answer } from './recorded-exchanges.ts'

/** Where ours does not answer as recorded, and why. */
export interface Difference {
  readonly reason: string
  /** What ours answers instead, made from what was recorded. */
  readonly ours: (recorded: Answer) => Partial<Answer>
}

export const LATER_TRANSFORMATIONS = 'some transformations come with a later release'
const UNKNOWN_IS_404 = 'the original fails with 500 where the connector is unknown in standalone mode; ours answers as in distributed mode'
const STARTED_AT_ONCE = 'recorded in distributed mode, where tasks follow a moment later; in standalone mode the answer has them'

const RESUMED_AT_ONCE = 'recorded in distributed mode, where the resumed source read its file again only after that; in standalone mode before'

/** Of both recordings: what is not there yet. */
export const everywhere: Readonly<Record<string, Difference>> = {
  '3 GET /connector-plugins': { reason: 'MirrorMaker comes with a later release', ours: withoutLaterPlugins },
  '4 GET /connector-plugins?connectorsOnly=false': {
    reason: `MirrorMaker comes with a later release, and ${LATER_TRANSFORMATIONS}`,
    ours: withoutLaterPlugins,
  },
  '10 PUT /connector-plugins/FileStreamSource/config/validate': { reason: LATER_TRANSFORMATIONS, ours: withoutLaterPlugins },
  '17 POST /connectors': { reason: 'the plug-ins that are there, and where', ours: withOwnPlugins },
  '112 POST /connectors': { reason: LATER_TRANSFORMATIONS, ours: castRefused },
  '113 GET /connectors/failing2/status': { reason: LATER_TRANSFORMATIONS, ours: () => refused(404, 'No status found for connector failing2') },
}

export const standaloneDifferences: Readonly<Record<string, Difference>> = {
  ...everywhere,
  '68 PUT /connectors/nope/stop': { reason: UNKNOWN_IS_404, ours: () => refused(404, 'Unknown connector nope') },
  '72 POST /connectors/nope/restart': { reason: UNKNOWN_IS_404, ours: () => refused(404, 'Unknown connector: nope') },
  '76 POST /connectors/nope/tasks/0/restart': { reason: UNKNOWN_IS_404, ours: () => refused(404, 'Unknown connector: nope') },
  '79 GET /connectors/src/status': {
    reason: 'in the original a refused restart of a task that does not exist leaves that task behind as FAILED',
    ours: ({ body }) => ({ body: { ...(body as object), tasks: [] } }),
  },
}

export const distributedDifferences: Readonly<Record<string, Difference>> = {
  ...everywhere,
  '13 POST /connectors': { reason: STARTED_AT_ONCE, ours: withOneTask },
  '21 POST /connectors': {
    reason: 'the file in the recorded request is named by fewer characters than were sent',
    ours: (recorded) => columnsEarlier(recorded, 7),
  },
  '22 POST /connectors': {
    reason: 'the file in the recorded request is named by fewer characters than were sent',
    ours: (recorded) => columnsEarlier(recorded, 7),
  },
  '26 POST /connectors': { reason: STARTED_AT_ONCE, ours: withOneTask },
  '35 GET /connectors?expand=status&expand=info': { reason: 'the recording was made after the connector "num" had been removed again', ours: withNum },
  '36 GET /connectors?expand=bogus': {
    reason: 'the recording was made after the connector "num" had been removed again',
    ours: ({ body }) => ({ body: { ...(body as object), num: {} } }),
  },
  '54 PUT /connectors/newone/config': { reason: STARTED_AT_ONCE, ours: withOneTask },
  '75 POST /connectors/src/tasks/5/restart': { reason: 'standalone mode has a message of its own', ours: () => refused(404, 'Task src-5 not found') },
  '87 POST /connectors': { reason: STARTED_AT_ONCE, ours: withOneTask },
  '88 GET /connectors/snk/offsets': { reason: RESUMED_AT_ONCE, ours: () => ({ body: { offsets: [kafkaOffset('t1', 9)] } }) },
  '100 GET /connectors/src/topics': { reason: RESUMED_AT_ONCE, ours: () => ({ body: { src: { topics: [] } } }) },
  '111 POST /connectors': { reason: STARTED_AT_ONCE, ours: withOneTask },
  '107 PUT /connectors/src/fence': {
    reason: 'internal requests of a cluster',
    ours: () => refused(500, 'Kafka Connect in standalone mode does not support exactly-once source connectors.'),
  },
  '108 POST /connectors/src/tasks': {
    reason: 'internal requests of a cluster',
    ours: () => refused(500, 'Kafka Connect in standalone mode does not support externally setting task configurations.'),
  },
}

function refused(status: number, message: string): Answer {
  return { status, headers: {}, body: { error_code: status, message } }
}

function castRefused(): Answer {
  return refused(
    400,
    'Connector configuration is invalid and contains the following 1 error(s):\nInvalid value org.apache.kafka.connect.transforms.Cast$Value for configuration transforms.c.type: Class org.apache.kafka.connect.transforms.Cast$Value could not be found.\nYou can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`',
  )
}

function kafkaOffset(topic: string, offset: number): object {
  return { partition: { kafka_topic: topic, kafka_partition: 0 }, offset: { kafka_offset: offset } }
}

/** Lists of plug-ins, as entries or as names, without those of later releases. */
export function withoutLaterPlugins({ body }: Answer): Partial<Answer> {
  return {
    body: JSON.parse(JSON.stringify(body), (_, value: unknown) => (Array.isArray(value) ? value.filter((element) => !isLaterPlugin(element)) : value)),
  }
}

const LATER_PLUGINS =
  /^org\.apache\.kafka\.connect\.(mirror\.|transforms\.(Cast|DropHeaders|ExtractField|Flatten|HeaderFrom|HoistField|InsertHeader|SetSchemaMetadata|TimestampRouter|ValueToKey)\b)/

function isLaterPlugin(element: unknown): boolean {
  const name = typeof element === 'string' ? element : (element as { class?: unknown } | null)?.class
  return typeof name === 'string' && LATER_PLUGINS.test(name)
}

function withOwnPlugins({ body }: Answer): Partial<Answer> {
  const { error_code, message } = body as { error_code: number; message: string }
  const [head = '', ...plugins] = message.split('PluginDesc{')
  const own = plugins.filter((plugin) => plugin.includes('FileStream')).map((plugin) => plugin.replace(/location='[^']*'/, "location='classpath'"))
  return { body: { error_code, message: [head, ...own].join('PluginDesc{').replace(/, $/, '') } }
}

function withOneTask({ body }: Answer): Partial<Answer> {
  return { body: { ...(body as { name: string }), tasks: [{ connector: (body as { name: string }).name, task: 0 }] } }
}

/** As `src`, of which it is a copy by another name. */
function withNum({ body }: Answer): Partial<Answer> {
  const expanded = body as { readonly src: unknown }
  return { body: { ...expanded, num: JSON.parse(JSON.stringify(expanded.src).replaceAll('"src"', '"num"')) } }
}

function columnsEarlier({ body }: Answer, by: number): Partial<Answer> {
  const { error_code, message } = body as { error_code: number; message: string }
  return { body: { error_code, message: message.replace(/column: (\d+)/g, (_, column: string) => `column: ${Number(column) - by}`) } }
}
