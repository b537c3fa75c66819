import type { WebhookFormat } from '../config/webhook-config.ts'
import { changeText, type StateChange } from './state-change.ts'

/** What is sent: the fields of the change with a text for readers, or a message of Slack's. @param repeats how often the same was not told since the last time. */
export function webhookBody(format: WebhookFormat, change: StateChange, repeats: number): string {
  const text = `${changeText(change)}${repeats === 0 ? '' : ` (${repeats} more times since it was last told)`}`
  return JSON.stringify(format === 'slack' ? { text: slackText(change, text) } : { ...change, message: text, repeats })
}

const SLACK_ICONS: Readonly<Record<StateChange['event'], string>> = {
  failed: ':red_circle:',
  recovered: ':large_green_circle:',
  stalled: ':large_orange_circle:',
  restarts_given_up: ':octagonal_sign:',
  worker_left: ':warning:',
  worker_joined: ':information_source:',
  test: ':information_source:',
}

/** Slack reads these three as its own. */
function slackText({ event }: StateChange, text: string): string {
  return `${SLACK_ICONS[event]} ${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}`
}
