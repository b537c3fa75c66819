import { type ConvertersInForce, mismatchOf } from './converter-mismatch.ts'
import type { FailureCause, FailedStage } from './failure.ts'
import { type Hint, hintOf } from './hints.ts'

/** What a failure comes down to. */
export interface Diagnosis {
  readonly hint: Hint
  /** In plain words, one line. */
  readonly rootCause: string
  /** What to do first. */
  readonly advice: string
}

/**
 * Finds what lies at the bottom of a chain of causes: what Kafka or the system says comes first, then the stage in which a record failed, then what a plug-in
 * says of itself. Of several causes that say something the innermost counts.
 *
 * @param causes outermost first, at least one. @param converters of the task, for bytes that do not fit them; null where there are none.
 */
export function diagnosisOf(causes: readonly FailureCause[], converters: ConvertersInForce | null = null): Diagnosis {
  const inward = [...causes].reverse()
  for (const rule of RULES) {
    const found = rule(inward, converters)
    if (found !== null) return diagnosis(found)
  }
  return diagnosis({ id: 'MR-6002', rootCause: wordsOf(inward) })
}

interface Found {
  readonly id: string
  readonly rootCause: string
  /** Default: the hint's. */
  readonly advice?: string
}

type Rule = (inward: readonly FailureCause[], converters: ConvertersInForce | null) => Found | null

const TEXT_LENGTH_MAX = 400

function diagnosis({ id, rootCause, advice }: Found): Diagnosis {
  const hint = hintOf(id)
  if (hint === null) throw new Error(`There is no hint ${id}.`)
  return { hint, rootCause: oneLine(rootCause, TEXT_LENGTH_MAX), advice: advice ?? hint.try }
}

/** The first rule that finds something decides. */
const RULES: readonly Rule[] = [
  foundByTheRuntime,
  ofNameService,
  ofDeadLetterTopic,
  ofReference,
  ofKafka,
  ofSystem,
  ofAccess,
  ofDatabase,
  ofBytes,
  ofMemory,
  ofDefect,
  ofMessage,
  ofStage,
  ofKind,
  ofWords,
]

// ─── what the runtime found, and what others say by a code ───────────────────────────────────────

function foundByTheRuntime(inward: readonly FailureCause[]): Found | null {
  return byCode(inward, {
    TASK_HANG: 'MR-6101',
    TASK_ABANDONED: 'MR-6102',
    TASK_OUT_OF_MEMORY: 'MR-5101',
    TASK_FLOODS_POOL: 'MR-5103',
    TASK_STALLED: 'MR-1108',
    THREAD_EXITED: 'MR-6003',
    ERROR_BUDGET: 'MR-2401',
    QUARANTINE_FULL: 'MR-2402',
    BATCH_INDIVISIBLE: 'MR-2403',
    BATCH_ATTEMPTS: 'MR-2404',
    LEDGER_IMBALANCE: 'MR-6104',
    ERR_WORKER_OUT_OF_MEMORY: 'MR-5101',
  })
}

/** Before Kafka's own words, which only tell that there is no connection. */
function ofNameService(inward: readonly FailureCause[]): Found | null {
  return byCode(inward, { ENOTFOUND: 'MR-1103', EAI_AGAIN: 'MR-1103' })
}

const DEAD_LETTER_TOPIC = /^Could not initialize dead letter queue/

function ofDeadLetterTopic(inward: readonly FailureCause[], converters: ConvertersInForce | null): Found | null {
  const outer = inward.findIndex(({ message }) => DEAD_LETTER_TOPIC.test(message))
  if (outer === -1) return null
  const reason = outer === 0 ? null : ofKafka(inward.slice(0, outer), converters)
  // Without access or connection the topic is not to blame.
  if (reason !== null && !/^MR-(32|1106)/.test(reason.id)) return reason
  return { id: 'MR-3203', rootCause: `${inward[outer]!.message}${outer === 0 ? '' : `: ${inward[0]!.message}`}` }
}

const UNREADABLE_REFERENCE =
  /^(Could not read properties from file|Could not list directory|Could not read file .* for property|Path .* is not (allowed|absolute))/

function ofReference(inward: readonly FailureCause[]): Found | null {
  const outer = inward.find(({ code, message }) => code === 'CONFIG' && UNREADABLE_REFERENCE.test(message))
  if (outer === undefined) return null
  const reason = ofSystem(inward)
  return { id: 'MR-3104', rootCause: reason === null ? outer.message : `${outer.message}: ${reason.rootCause}` }
}

function ofKafka(inward: readonly FailureCause[], _converters: ConvertersInForce | null): Found | null {
  return byCode(
    inward.filter(({ javaClass }) => javaClass.startsWith('org.apache.kafka.') && !javaClass.startsWith('org.apache.kafka.connect.')),
    KAFKA_CODES,
  )
}

const KAFKA_CODES: Readonly<Record<string, string>> = {
  NETWORK_EXCEPTION: 'MR-1101',
  BROKER_NOT_AVAILABLE: 'MR-1101',
  REQUEST_TIMED_OUT: 'MR-1104',
  COMMIT_FAILED: 'MR-1105',
  ILLEGAL_GENERATION: 'MR-1105',
  UNKNOWN_MEMBER_ID: 'MR-1105',
  REBALANCE_IN_PROGRESS: 'MR-1105',
  FENCED_INSTANCE_ID: 'MR-1105',
  LEADER_NOT_AVAILABLE: 'MR-1106',
  NOT_LEADER_OR_FOLLOWER: 'MR-1106',
  FENCED_LEADER_EPOCH: 'MR-1106',
  NOT_ENOUGH_REPLICAS: 'MR-1106',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'MR-1106',
  COORDINATOR_NOT_AVAILABLE: 'MR-1106',
  COORDINATOR_LOAD_IN_PROGRESS: 'MR-1106',
  NOT_COORDINATOR: 'MR-1106',
  NOT_CONTROLLER: 'MR-1106',
  RECORD_TOO_LARGE: 'MR-2302',
  MESSAGE_TOO_LARGE: 'MR-2302',
  RECORD_LIST_TOO_LARGE: 'MR-2302',
  INVALID_TIMESTAMP: 'MR-2303',
  INVALID_RECORD: 'MR-2303',
  CORRUPT_MESSAGE: 'MR-2304',
  UNKNOWN_TOPIC_OR_PARTITION: 'MR-3201',
  UNKNOWN_TOPIC_ID: 'MR-3201',
  INVALID_TOPIC_EXCEPTION: 'MR-3201',
  INVALID_PARTITIONS: 'MR-3202',
  INVALID_REPLICATION_FACTOR: 'MR-3202',
  INVALID_REPLICA_ASSIGNMENT: 'MR-3202',
  INVALID_CONFIG: 'MR-3202',
  POLICY_VIOLATION: 'MR-3202',
  NO_OFFSET_FOR_PARTITION: 'MR-3204',
  OFFSET_OUT_OF_RANGE: 'MR-3204',
  LOG_TRUNCATED: 'MR-3204',
  INVALID_CONFIGURATION: 'MR-3401',
  INVALID_GROUP_ID: 'MR-3401',
  SASL_AUTHENTICATION_FAILED: 'MR-4101',
  DELEGATION_TOKEN_EXPIRED: 'MR-4101',
  UNSUPPORTED_SASL_MECHANISM: 'MR-4102',
  ILLEGAL_SASL_STATE: 'MR-4102',
  SSL_AUTHENTICATION_FAILED: 'MR-4103',
  TOPIC_AUTHORIZATION_FAILED: 'MR-4201',
  GROUP_AUTHORIZATION_FAILED: 'MR-4202',
  CLUSTER_AUTHORIZATION_FAILED: 'MR-4203',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'MR-4203',
  SECURITY_DISABLED: 'MR-4203',
  KAFKA_STORAGE_ERROR: 'MR-5204',
  THROTTLING_QUOTA_EXCEEDED: 'MR-5204',
  GROUP_MAX_SIZE_REACHED: 'MR-5204',
  PROTOCOL_ERROR: 'MR-6103',
}

interface SystemError {
  readonly id: string
  /** What is said of the file or folder, where the error names one. */
  readonly ofPath?: string
}

const SYSTEM_CODES: Readonly<Record<string, SystemError>> = {
  ENOENT: { id: 'MR-3301', ofPath: 'does not exist' },
  EISDIR: { id: 'MR-3302', ofPath: 'is a folder, not a file' },
  ENOTDIR: { id: 'MR-3302', ofPath: 'leads through a file that is no folder' },
  EACCES: { id: 'MR-4401', ofPath: 'may not be used by the user of this worker' },
  EPERM: { id: 'MR-4401', ofPath: 'may not be used by the user of this worker' },
  ENOSPC: { id: 'MR-5201', ofPath: 'cannot be written: the disk is full' },
  EDQUOT: { id: 'MR-5201', ofPath: 'cannot be written: the quota is used up' },
  EMFILE: { id: 'MR-5202' },
  ENFILE: { id: 'MR-5202' },
  EROFS: { id: 'MR-5203', ofPath: 'cannot be written: the file system is read-only' },
  EIO: { id: 'MR-5203', ofPath: 'cannot be used: the device reports an error' },
  ECONNREFUSED: { id: 'MR-1102' },
  ECONNRESET: { id: 'MR-1102' },
  ECONNABORTED: { id: 'MR-1102' },
  EPIPE: { id: 'MR-1102' },
  EHOSTUNREACH: { id: 'MR-1102' },
  ENETUNREACH: { id: 'MR-1102' },
  ETIMEDOUT: { id: 'MR-1104' },
  UND_ERR_CONNECT_TIMEOUT: { id: 'MR-1102' },
  UND_ERR_SOCKET: { id: 'MR-1102' },
}

function ofSystem(inward: readonly FailureCause[]): Found | null {
  for (const [index, { code, path, message }] of inward.entries()) {
    const known = Object.hasOwn(SYSTEM_CODES, code) ? SYSTEM_CODES[code]! : null
    if (known === null) continue
    if (path !== null && known.ofPath !== undefined) return { id: known.id, rootCause: `"${path}" ${known.ofPath}` }
    // The system's words are terse (`ENOSPC: no space left on device, write`): whoever called it says what it was about.
    const caller = inward[index + 1]
    const isTold = caller !== undefined && caller.message !== '' && caller.message !== message && !isWrapper(caller.message)
    return { id: known.id, rootCause: isTold ? `${caller.message}: ${message}` : message }
  }
  return null
}

/** Access that another system than Kafka refuses: by HTTP, or as databases say it. */
function ofAccess(inward: readonly FailureCause[]): Found | null {
  const refused = inward.find(({ code, status }) => status === 401 || status === 403 || ACCESS_CODES.has(code))
  if (refused !== undefined) return { id: 'MR-4301', rootCause: refused.message }
  const passing = inward.find(({ status }) => status !== null && (status === 408 || status === 429 || status >= 500))
  return passing === undefined ? null : { id: passing.status === 408 ? 'MR-1104' : 'MR-1102', rootCause: passing.message }
}

/** SQLSTATE of PostgreSQL, names of MySQL, MongoDB's and Node's words. */
const ACCESS_CODES = new Set(['28000', '28P01', '42501', 'ER_ACCESS_DENIED_ERROR', 'ER_DBACCESS_DENIED_ERROR', 'EAUTH', 'AccessDenied', 'InvalidAccessKeyId'])

/** SQLSTATE, by its first two digits: connection, transaction, limits and shutdown; data and constraints; access; names that are not there. */
const SQL_CLASSES: Readonly<Record<string, string>> = {
  '08': 'MR-1102',
  '40': 'MR-1001',
  '53': 'MR-1102',
  '57': 'MR-1102',
  '22': 'MR-2301',
  '23': 'MR-2301',
  '28': 'MR-4301',
  '42': 'MR-3001',
}

function ofDatabase(inward: readonly FailureCause[]): Found | null {
  for (const { code, message } of inward) {
    const id = /^\d\d[0-9A-Z]{3}$/.test(code) ? SQL_CLASSES[code.slice(0, 2)] : undefined
    if (id !== undefined) return { id, rootCause: message }
  }
  return null
}

// ─── what plug-ins throw ─────────────────────────────────────────────────────────────────────────

/** A converter failed, and the bytes show why. */
function ofBytes(inward: readonly FailureCause[], converters: ConvertersInForce | null): Found | null {
  const stage = stageIn(inward)
  if (stage === null || (!KNOWN_CONVERTERS.test(stage.className) && defectIn(inward) !== undefined)) return null
  return mismatchOf(stage, converters)
}

/** Converters of which it is known what bytes they read. Another one may read any; where its own code broke, that is the cause. */
const KNOWN_CONVERTERS = /^(org\.apache\.kafka|io\.confluent|io\.apicurio|com\.amazonaws)\./

function defectIn(inward: readonly FailureCause[]): FailureCause | undefined {
  return inward.find(({ javaClass }) => DEFECTS.has(javaClass))
}

function ofMemory(inward: readonly FailureCause[]): Found | null {
  const found = inward.find(
    ({ code, javaClass, message }) =>
      code === 'ERR_STRING_TOO_LONG' ||
      code === 'ERR_BUFFER_TOO_LARGE' ||
      code === 'ENOMEM' ||
      (javaClass === 'RangeError' && /Invalid string length|[Aa]rray buffer allocation failed|Invalid (typed )?array length/.test(message)),
  )
  return found === undefined ? null : { id: 'MR-5102', rootCause: found.message }
}

const DEFECTS = new Set([
  'TypeError',
  'ReferenceError',
  'RangeError',
  'SyntaxError',
  'EvalError',
  'URIError',
  'AssertionError',
  'AssertionError [ERR_ASSERTION]',
])

function ofDefect(inward: readonly FailureCause[]): Found | null {
  const found = defectIn(inward)
  if (found === undefined) return null
  if (inward.some(({ code }) => code === 'PLUGIN_LOAD')) return { id: 'MR-3103', rootCause: wordsOf(inward) }
  const stage = stageIn(inward)
  const whose = stage === null ? 'The code of the plugin failed' : `The code of ${pluginOf(stage)} failed`
  return { id: 'MR-6001', rootCause: `${whose}: ${found.javaClass}: ${found.message}` }
}

/** Errors of ours that only their words tell from others. */
function ofMessage(inward: readonly FailureCause[]): Found | null {
  for (const { message } of inward) {
    const id = MESSAGES.find(([pattern]) => pattern.test(message))?.[1]
    if (id !== undefined) return { id, rootCause: message }
  }
  return null
}

const MESSAGES: readonly (readonly [RegExp, string])[] = [
  [/^Sink tasks require a list of topics/, 'MR-3205'],
  [/^The worker is out of its group/, 'MR-1107'],
  [/has generated \d+ tasks, which is greater than/, 'MR-6006'],
  [/^"[^"]*" is a directory\.$/, 'MR-3302'],
  [/^File "[^"]*" has \d+ bytes, which is less than the position/, 'MR-3303'],
  [/^Task failed to create new topic/, 'MR-3202'],
  [/did not (answer|stop) within \d+ ms/, 'MR-1104'],
]

function ofStage(inward: readonly FailureCause[]): Found | null {
  const stage = stageIn(inward)
  if (stage === null) return null
  const words = wordsOf(inward)
  switch (stage.stage) {
    case 'TRANSFORMATION': {
      const needsFields = /^Only (Map|Struct) objects supported/.test(words)
      return { id: needsFields ? 'MR-2202' : 'MR-2201', rootCause: `${capitalised(pluginOf(stage))} cannot handle a record: ${words}` }
    }
    case 'TASK_PUT':
      return { id: 'MR-2301', rootCause: `The sink could not write a record: ${words}` }
    case 'KAFKA_PRODUCE':
      return { id: 'MR-2303', rootCause: `Kafka did not take a record: ${words}` }
    default:
      return stage.bytes === undefined && stage.record?.offset === undefined
        ? { id: 'MR-2111', rootCause: `${capitalised(pluginOf(stage))} cannot write the ${partOf(stage)} of a record: ${words}` }
        : {
            id: 'MR-2110',
            rootCause: `${capitalised(pluginOf(stage))} cannot read the ${partOf(stage)} of a record${stage.bytes === undefined ? '' : `, ${stage.bytes.byteLength} bytes`}`,
          }
  }
}

/** What an error of ours, or of a plug-in that uses our errors, says by its kind. */
function ofKind(inward: readonly FailureCause[]): Found | null {
  const rootCause = wordsOf(inward)
  const found = byCode(inward, KINDS, rootCause)
  if (found !== null) return found
  return inward.some(({ isRetriable }) => isRetriable) ? { id: 'MR-1001', rootCause } : null
}

const KINDS: Readonly<Record<string, string>> = {
  PLUGIN_NOT_FOUND: 'MR-3101',
  PLUGIN_AMBIGUOUS: 'MR-3102',
  PLUGIN_VERSION: 'MR-3102',
  PLUGIN_LOAD: 'MR-3103',
  ERR_MODULE_NOT_FOUND: 'MR-3103',
  CONFIG: 'MR-3001',
  SCHEMA_BUILDER: 'MR-6004',
  SCHEMA_PROJECTOR: 'MR-2305',
  DATA: 'MR-2001',
  ILLEGAL_WORKER_STATE: 'MR-6005',
  ILLEGAL_STATE: 'MR-6005',
}

/** Many clients say what happened in words only. The last resort: a word is no proof. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [
    /authenticat\w+ (failed|error)|access denied|unauthori[sz]ed|not authori[sz]ed|permission denied|invalid (credentials|password|api key|token)|bad credentials/i,
    'MR-4301',
  ],
  [/tim(ed|e)[ -]?out\b|deadline exceeded/i, 'MR-1104'],
  [
    /connection (was )?(terminated|closed|reset|refused|lost|ended)|socket hang ?up|connect(ion)? (failed|error)|temporarily unavailable|service unavailable|too many (requests|connections)/i,
    'MR-1102',
  ],
]

function ofWords(inward: readonly FailureCause[]): Found | null {
  const rootCause = wordsOf(inward)
  const id = WORDS.find(([pattern]) => pattern.test(rootCause))?.[1]
  return id === undefined ? null : { id, rootCause }
}

// ─── parts ───────────────────────────────────────────────────────────────────────────────────────

function byCode(inward: readonly FailureCause[], ids: Readonly<Record<string, string>>, rootCause?: string): Found | null {
  const found = inward.find(({ code }) => Object.hasOwn(ids, code))
  return found === undefined ? null : { id: ids[found.code]!, rootCause: rootCause ?? found.message }
}

function stageIn(inward: readonly FailureCause[]): FailedStage | null {
  return inward.find(({ stage }) => stage !== null)?.stage ?? null
}

function pluginOf({ stage, className, transform }: FailedStage): string {
  if (transform !== undefined) return `transformation "${transform.alias}" (${className})`
  if (stage === 'TASK_PUT') return 'the sink'
  return className
}

function partOf({ stage }: FailedStage): string {
  return stage === 'KEY_CONVERTER' ? 'key' : stage === 'VALUE_CONVERTER' ? 'value' : 'headers'
}

/** What the innermost cause says that says anything. */
function wordsOf(inward: readonly FailureCause[]): string {
  const telling = inward.find(({ message }) => message.trim() !== '' && !isWrapper(message)) ?? inward.find(({ message }) => message.trim() !== '')
  return telling?.message ?? `an error of kind ${inward[0]?.javaClass ?? 'unknown'} without a message`
}

/** Messages that tell that something failed, not what. */
function isWrapper(message: string): boolean {
  return /^(Tolerance exceeded in error handler|Exiting WorkerSinkTask due to|Unrecoverable exception)/.test(message)
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** Line breaks become blanks, and what is too long is cut. */
export function oneLine(text: string, lengthMax: number): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length <= lengthMax ? line : `${line.slice(0, lengthMax - 1)}…`
}
