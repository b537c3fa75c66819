import type { TaskActivity, TaskProgress } from '@millrace/rest-api'
import { ErrorCounters } from '../errors/error-counters.ts'
import type { ActivityFacts, ProgressSnapshot, TaskCall } from '../thread/messages.ts'
import type { MarkedCall } from '../thread/thread-marker.ts'

/*
 * What a task does, concluded from what its thread tells of it. Pure functions of what was seen and of two clocks: `nowMs` only grows, `wallMs` is shown to users.
 *
 * STALLED is said only where it is certain:
 * - `call`: one call of its plug-ins has not returned for the stall time-out. Not a `poll` whose source says that there is nothing to read, and not a call inside of
 *   which something is being retried.
 * - `lag`: a sink was behind at each look for that long, in the same group, with nothing paused, and read nothing and ended nothing in all that time.
 * - `backlog`: a source said at each look for that long that it has more, was asked for it, and yielded nothing.
 *
 * Looks between which nobody looked count for nothing: after a gap the time begins again.
 */

/** What one look at a task found. */
export interface Look {
  readonly nowMs: number
  readonly snapshot: ProgressSnapshot
}

/** What is remembered of earlier looks at one incarnation of a task. */
export interface ProgressMemory {
  /** The last one. */
  readonly look: Look
  /** Since when at each look there was a reason to believe in a stall of this kind, and nothing happened; null: not at the last one. */
  readonly lagSinceMs: number | null
  readonly backlogSinceMs: number | null
  /** Since when Kafka has had records of a source and acknowledged none; null: not at the last look. */
  readonly unansweredSinceMs: number | null
  /** Since when records have gone through it without it being anything but `running`. */
  readonly runningSinceMs: number | null
  /** Some earlier looks, oldest first: at most `WINDOW_MS` old and `SAMPLE_GAP_MS` apart. */
  readonly samples: readonly Sample[]
}

interface Sample {
  readonly atMs: number
  readonly read: number
  readonly ended: number
  /** That `put` took. */
  readonly delivered: number
  readonly written: number
  readonly stageTimeMs: Readonly<Record<string, number>>
}

/** What rates and shares are computed over. Milliseconds. */
const WINDOW_MS = 60_000
const SAMPLE_GAP_MS = 5_000

/** A call that lasts longer than this is worth telling. Milliseconds. */
const BLOCKED_AFTER_MS = 2_000

/** Nothing was read for this long: the task is idle. Milliseconds. */
const IDLE_AFTER_MS = 1_000

/** A consumer takes up to this long to join its group. Milliseconds. */
const JOIN_MS = 10_000

/** Two looks further apart than this part of the time-out say nothing of what was between them. */
const GAP_PART = 0.5

/** Of a task that has told nothing yet: its thread is about to take it. */
export function nothingTold(): ProgressSnapshot {
  return {
    ledger: {
      read: 0,
      written: 0,
      filtered: 0,
      dead_lettered: 0,
      skipped: 0,
      given_back: 0,
      in_flight: 0,
      balanced: true,
      imbalances: 0,
      filtered_by_transform: {},
      coerced_fields: {},
    },
    stage_time_ms: {},
    last_progress_at: null,
    lag: null,
    lag_seconds: null,
    errors: new ErrorCounters().snapshot(),
    facts: {
      phase: 'starting',
      phaseForMs: 0,
      calls: [],
      retry: null,
      batch: null,
      readForMs: null,
      group: null,
      silentForMs: 0,
      delivered: 0,
      hasBacklog: null,
      assigned: null,
      pausedByTask: 0,
    },
  }
}

/** Adds a look. @param timeoutMs `millrace.stall.timeout.ms`. */
export function remember(memory: ProgressMemory | null, look: Look, timeoutMs: number): ProgressMemory {
  const { nowMs, snapshot } = look
  const sample = sampleOf(look)
  const hasGap = memory === null || nowMs - memory.look.nowMs > Math.max(SAMPLE_GAP_MS, timeoutMs * GAP_PART)
  const isStill = !hasGap && isUnchanged(sampleOf(memory.look), sample) && memory.look.snapshot.facts.assigned === snapshot.facts.assigned
  const since = (isSuspect: boolean, sinceMs: number | null): number | null => (isSuspect ? ((isStill ? sinceMs : null) ?? nowMs) : null)
  const isUnanswered = !hasGap && sampleOf(memory.look).ended === sample.ended
  const recent = (memory?.samples ?? beginning(look)).filter(({ atMs }) => nowMs - atMs <= WINDOW_MS)
  const last = recent.at(-1)
  return {
    look,
    lagSinceMs: since(isBehind(snapshot), memory?.lagSinceMs ?? null),
    unansweredSinceMs: waitsForAnswer(snapshot) ? ((isUnanswered ? memory.unansweredSinceMs : null) ?? nowMs) : null,
    backlogSinceMs: since(isAskedForBacklog(snapshot), memory?.backlogSinceMs ?? null),
    runningSinceMs: isGoing(snapshot) ? (memory?.runningSinceMs ?? nowMs) : null,
    samples: last === undefined || nowMs - last.atMs >= SAMPLE_GAP_MS ? [...recent, sample] : recent,
  }
}

function sampleOf({ nowMs, snapshot: { ledger, stage_time_ms, facts } }: Look): Sample {
  const ended = ledger.written + ledger.filtered + ledger.dead_lettered + ledger.skipped + ledger.given_back
  return { atMs: nowMs, read: ledger.read, ended, delivered: facts.delivered, written: ledger.written, stageTimeMs: stage_time_ms }
}

/** A task that began lately had nothing before. */
function beginning({ nowMs, snapshot: { facts } }: Look): readonly Sample[] {
  const isNew = facts.phase === 'running' && facts.phaseForMs > 0
  return isNew ? [{ atMs: nowMs - facts.phaseForMs, read: 0, ended: 0, delivered: 0, written: 0, stageTimeMs: {} }] : []
}

function isUnchanged(before: Sample, after: Sample): boolean {
  return before.read === after.read && before.ended === after.ended && before.delivered === after.delivered
}

function isBehind({ lag, facts }: ProgressSnapshot): boolean {
  return facts.phase === 'running' && facts.group?.isMember !== false && facts.retry === null && facts.pausedByTask === 0 && lag !== null && lag > 0
}

function isAskedForBacklog({ facts }: ProgressSnapshot): boolean {
  const isBlocked = facts.calls.some(({ call }) => call === 'room')
  return facts.phase === 'running' && facts.hasBacklog === true && facts.retry === null && !isBlocked
}

function waitsForAnswer({ ledger, facts }: ProgressSnapshot): boolean {
  const isElsewhere = facts.calls.some(({ call }) => call === 'transform' || call === 'convert')
  return facts.phase === 'running' && facts.group === null && facts.retry === null && ledger.in_flight > 0 && !isElsewhere
}

function isGoing({ facts }: ProgressSnapshot): boolean {
  return facts.phase === 'running' && facts.readForMs !== null && facts.readForMs < IDLE_AFTER_MS
}

// ─── what it comes to ────────────────────────────────────────────────────────────────────────────

export interface ActivityCircumstances {
  /** Now, as `Look.nowMs`. */
  readonly nowMs: number
  /** Now, in milliseconds since the epoch. */
  readonly wallMs: number
  /** `millrace.stall.timeout.ms`; 0: nothing is ever called a stall. */
  readonly timeoutMs: number
  /** For how long a synchronous call has held the thread, and whether it is one of this task; null: the thread's event loop turns. */
  readonly held: { readonly call: MarkedCall; readonly forMs: number; readonly isByItself: boolean } | null
  /** What became of the run, as the main thread knows it. */
  readonly end: 'failed' | 'stopped' | null
}

/** What the task does, as far as the last look tells. */
export function activityOf(memory: ProgressMemory, circumstances: ActivityCircumstances): TaskActivity {
  const { nowMs, wallMs, timeoutMs, held, end } = circumstances
  const { look } = memory
  const { facts, lag, ledger } = look.snapshot
  const ageMs = nowMs - look.nowMs
  const at = (forMs: number): string => new Date(Math.round(wallMs - Math.max(0, forMs))).toISOString()
  const untilAt = (inMs: number): string => new Date(Math.round(wallMs + Math.max(0, inMs))).toISOString()
  const phaseForMs = facts.phaseForMs + ageMs

  if (end === 'failed') return { state: 'failed', since: at(facts.phase === 'ended' ? phaseForMs : ageMs), detail: 'It has failed: its trace says why' }
  if (end === 'stopped' || facts.phase === 'ended') return { state: 'stopped', since: at(phaseForMs), detail: 'It has ended because it was asked to' }
  if (held !== null) return heldActivity(held, timeoutMs, at(held.forMs))
  const stall = stallOf(memory, { nowMs, timeoutMs })
  if (stall !== null) return { state: 'stalled', since: at(stall.for_ms), detail: stallText(stall, look.snapshot), stall }
  if (facts.phase === 'paused') return { state: 'paused', since: at(phaseForMs), detail: 'Somebody has paused it' }
  if (facts.retry !== null) {
    const { attempt, cause, forMs, nextInMs } = facts.retry
    const next_at = nextInMs === null ? null : untilAt(nextInMs - ageMs)
    return {
      state: 'retrying',
      since: at(forMs + ageMs),
      detail: `Failed ${times(attempt)} in a row: ${cause}; next try ${next_at === null ? 'at once' : `at ${next_at}`}`,
      retry: { attempt, cause, next_at },
    }
  }
  const [longest] = facts.calls
  if (facts.phase === 'starting') {
    const detail = longest?.call === 'start' ? `In start() for ${duration(longest.forMs + ageMs)}` : 'Its plug-ins are being loaded'
    return { state: 'starting', since: at(phaseForMs), detail }
  }
  const blocking = facts.calls.find(({ call, forMs }) => forMs + ageMs >= BLOCKED_AFTER_MS && !(call === 'poll' && facts.hasBacklog !== true))
  if (blocking !== undefined) {
    const forMs = blocking.forMs + ageMs
    return { state: 'blocked', since: at(forMs), detail: blockedText(blocking.call, forMs) }
  }
  if (facts.silentForMs >= BLOCKED_AFTER_MS) {
    const detail = `Kafka owes its group an answer for ${duration(facts.silentForMs + ageMs)}: it is away, or a rebalance waits for other members`
    return { state: 'blocked', since: at(facts.silentForMs + ageMs), detail }
  }
  const unansweredSinceMs = memory.unansweredSinceMs ?? look.nowMs
  if (look.nowMs - unansweredSinceMs >= BLOCKED_AFTER_MS) {
    const forMs = nowMs - unansweredSinceMs
    return { state: 'blocked', since: at(forMs), detail: `Kafka has acknowledged none of ${ledger.in_flight} records for ${duration(forMs)}` }
  }
  if (facts.group?.isMember === false) {
    const forMs = facts.group.forMs + ageMs
    const state = facts.readForMs === null && forMs < JOIN_MS ? 'starting' : 'blocked'
    return { state, since: at(forMs), detail: `Its consumer is not in its group for ${duration(forMs)}: it waits for Kafka to take it in` }
  }
  if (facts.batch !== null) {
    const until = facts.batch.untilMs === null ? null : new Date(facts.batch.untilMs).toISOString()
    const { records, of } = facts.batch
    return {
      state: 'waiting_for_batch',
      since: at(facts.batch.forMs + ageMs),
      detail: `${records} of ${of} records${until === null ? '' : `, until ${until}`}`,
      batch: { records, of, until },
    }
  }
  const quietForMs = facts.readForMs === null ? phaseForMs : facts.readForMs + ageMs
  if (quietForMs < IDLE_AFTER_MS || (lag !== null && lag > 0)) {
    if (facts.pausedByTask > 0 && quietForMs >= IDLE_AFTER_MS)
      return { state: 'blocked', since: at(quietForMs), detail: `The sink itself has paused ${facts.pausedByTask} of its ${facts.assigned ?? 0} partitions` }
    return {
      state: 'running',
      since: at(memory.runningSinceMs === null ? Math.min(quietForMs, phaseForMs) : nowMs - memory.runningSinceMs),
      detail: shareText(memory),
    }
  }
  return { state: 'idle', since: at(Math.min(quietForMs, phaseForMs)), detail: idleText(facts, ledger.in_flight) }
}

/** Records per second over the last minute, or since the first look. */
export function ratesOf({ samples, look }: ProgressMemory): TaskProgress['in_out'] {
  const oldest = samples[0]
  const now = sampleOf(look)
  if (oldest === undefined || now.atMs <= oldest.atMs) return { read_per_second: 0, written_per_second: 0 }
  const seconds = (now.atMs - oldest.atMs) / 1000
  return { read_per_second: tenths((now.read - oldest.read) / seconds), written_per_second: tenths((now.written - oldest.written) / seconds) }
}

type Stall = NonNullable<TaskActivity['stall']>

/** The stall that is certain, or null. */
export function stallOf(memory: ProgressMemory, { nowMs, timeoutMs }: Pick<ActivityCircumstances, 'nowMs' | 'timeoutMs'>): Stall | null {
  const { facts } = memory.look.snapshot
  if (timeoutMs === 0 || facts.phase === 'ended' || facts.retry !== null) return null
  const ageMs = nowMs - memory.look.nowMs
  const call = facts.calls.find((each) => each.call !== 'room' && each.forMs + ageMs >= timeoutMs && !isQuietPoll(each.call, facts))
  if (call !== undefined) return { reason: 'call', call: call.call, for_ms: Math.round(call.forMs + ageMs) }
  // What was last seen too long ago tells nothing of now.
  const seenMs = memory.look.nowMs
  if (memory.lagSinceMs !== null && seenMs - memory.lagSinceMs >= timeoutMs) return { reason: 'lag', for_ms: Math.round(nowMs - memory.lagSinceMs) }
  if (memory.backlogSinceMs !== null && seenMs - memory.backlogSinceMs >= timeoutMs)
    return { reason: 'backlog', for_ms: Math.round(nowMs - memory.backlogSinceMs) }
  return null
}

/** A source may wait in `poll` where it says that there is nothing to read. */
function isQuietPoll(call: TaskCall, facts: ActivityFacts): boolean {
  return call === 'poll' && facts.hasBacklog === false
}

function heldActivity({ call, forMs, isByItself }: NonNullable<ActivityCircumstances['held']>, timeoutMs: number, since: string): TaskActivity {
  if (!isByItself) return { state: 'blocked', since, detail: `Another task has held their common thread for ${duration(forMs)}` }
  const what = call === 'records' ? 'Its transformations or converters have' : `${call}() has`
  const detail = `${what} held its thread for ${duration(forMs)}: nothing else runs there`
  if (timeoutMs === 0 || forMs < timeoutMs) return { state: 'blocked', since, detail }
  return { state: 'stalled', since, detail, stall: { reason: 'call', call, for_ms: Math.round(forMs) } }
}

// ─── words ───────────────────────────────────────────────────────────────────────────────────────

function stallText({ reason, call, for_ms }: Stall, { lag, facts }: ProgressSnapshot): string {
  if (reason === 'call') return `${call}() has not returned for ${duration(for_ms)}`
  if (reason === 'lag') return `${lag} records wait to be read, and nothing has gone through for ${duration(for_ms)}`
  return `The source says that it has more, and has yielded nothing for ${duration(for_ms)}${facts.calls.some(({ call: each }) => each === 'poll') ? ' in poll()' : ''}`
}

function blockedText(call: TaskCall, forMs: number): string {
  if (call === 'room') return `Kafka takes no more: waits for room in the producer for ${duration(forMs)}`
  return `In ${call}() for ${duration(forMs)}`
}

function idleText({ assigned, calls }: ActivityFacts, inFlight: number): string {
  if (assigned === 0) return 'No partition is assigned to it: its topics have fewer partitions than there are tasks, or do not exist'
  const poll = calls.find(({ call, forMs }) => call === 'poll' && forMs >= BLOCKED_AFTER_MS)
  if (poll !== undefined) return `Nothing to read: in poll() for ${duration(poll.forMs)}`
  return inFlight > 0 ? `Nothing to read; ${inFlight} records wait for the next commit of offsets` : 'Nothing to read'
}

/** Where the time goes, of what was measured in the window. */
function shareText({ samples, look }: ProgressMemory): string {
  const before = samples[0]?.stageTimeMs ?? {}
  const spent = Object.entries(look.snapshot.stage_time_ms).map(([stage, ms]) => ({ stage, ms: Math.max(0, ms - (before[stage] ?? 0)) }))
  const sum = spent.reduce((total, { ms }) => total + ms, 0)
  if (sum === 0) return 'Records go through it'
  const shares = spent.map(({ stage, ms }) => ({ stage, percent: Math.round((100 * ms) / sum) })).sort((a, b) => b.percent - a.percent)
  const told = shares.filter(({ percent }) => percent > 0).map(({ stage, percent }) => `${percent} % in ${stage}`)
  return `Of its time ${told.join(', ')}`
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}

function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`
}

function tenths(value: number): number {
  return Math.round(Math.max(0, value) * 10) / 10
}
