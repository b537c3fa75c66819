import type { WebhookTest } from '@millrace/rest-api'
import { NotFoundRestError } from '../../herder/errors.ts'
import { metricContentTypes, type MetricFormat, metricFormatOf } from '../../metrics/exposition.ts'
import type { RestAnswer, RestRequest } from '../router.ts'

/** What watches the worker from beside. */
export interface Observers {
  /** Null: nothing is measured. */
  readonly metrics: { read(format: MetricFormat): Promise<Buffer> } | null
  /** Null: no webhook is configured. */
  readonly webhook: { test(): Promise<WebhookTest> } | null
}

export const noObservers: Observers = { metrics: null, webhook: null }

/** Metrics and notifications: additions of ours. */
export class ObservationResource {
  readonly #observers: Observers

  constructor(observers: Observers) {
    this.#observers = observers
  }

  metrics = async ({ headers }: RestRequest): Promise<RestAnswer> => {
    if (this.#observers.metrics === null) throw new NotFoundRestError('Nothing is measured here.')
    const format = metricFormatOf(headers.accept)
    return { status: 200, bytes: { type: metricContentTypes[format], content: await this.#observers.metrics.read(format) } }
  }

  /** Sends a notification at once. A receiver that does not take it is no error of the request: the answer says what came of it. */
  testWebhook = async (): Promise<RestAnswer> => {
    if (this.#observers.webhook === null) throw new NotFoundRestError('No webhook is configured: set millrace.webhook.url in the properties of the worker.')
    return { status: 200, body: await this.#observers.webhook.test() }
  }
}
