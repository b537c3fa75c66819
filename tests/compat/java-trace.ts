/** What Millrace puts before the trace of Java in the status of something that failed: the root cause, the place and what to try, a line each. */
const ADDED = /^.* \[MR-\d{4}\]\nat .*\nTry: .*\n/

/** The part of a status' trace that Kafka Connect has, too. One of a Java worker is that already. */
export function javaTraceOf(trace: string): string {
  return trace.replace(ADDED, '')
}
