import { ConnectError, type Properties } from '@millrace/api'
import type { ConfigKeyInfo } from '@millrace/rest-api'
import { FailureError } from '../errors/failure.ts'
import type { PluginDescriptor } from '../plugins/plugin-registry.ts'
import type { FromValidationThread, ToValidationThread, ValidationResult } from '../thread/messages.ts'
import type { TaskThreadOptions } from '../thread/task-thread-handle.ts'
import { WorkerThread } from '../thread/worker-thread.ts'

export interface ConfigValidationOptions extends Pick<TaskThreadOptions, 'limits' | 'log'> {
  /** How long one validation may take, well below the REST time-out. Milliseconds; default 30000. */
  readonly deadlineMs?: number
}

const DEADLINE_MS = 30_000

/** An unused thread is kept this long, so that a burst of requests does not pay for a new one each time. Milliseconds. */
const IDLE_MS = 1_000

type ValidationThread = WorkerThread<ToValidationThread, FromValidationThread>

/** Runs `config()`, `validate()` and `alterOffsets()` of plug-ins in a thread that can be thrown away: one that hangs or leaks harms only the request. */
export class ConfigValidation {
  readonly #options: ConfigValidationOptions
  #thread: ValidationThread | null = null
  /** Requests follow one another, so that a thread that is ended takes one with it at most. */
  #turn: Promise<unknown> = Promise.resolve()
  #idle: NodeJS.Timeout | undefined

  constructor(options: ConfigValidationOptions) {
    this.#options = options
  }

  validate(plugin: PluginDescriptor, properties: Properties): Promise<ValidationResult> {
    return this.#inTurn(plugin, (request) => ({ type: 'validate-config', request, plugin, properties }))
  }

  configDef(plugin: PluginDescriptor): Promise<readonly ConfigKeyInfo[]> {
    return this.#inTurn(plugin, (request) => ({ type: 'read-config-def', request, plugin }))
  }

  alterOffsets(plugin: PluginDescriptor, properties: Properties, offsets: readonly object[]): Promise<boolean> {
    return this.#inTurn(plugin, (request) => ({ type: 'alter-offsets', request, plugin, properties, offsets }))
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle)
    await this.#discard()
  }

  #inTurn<T>(plugin: PluginDescriptor, make: (request: number) => ToValidationThread): Promise<T> {
    const result = this.#turn.then(() => this.#ask<T>(plugin, make))
    this.#turn = result.catch(() => {})
    return result
  }

  async #ask<T>(plugin: PluginDescriptor, make: (request: number) => ToValidationThread): Promise<T> {
    const deadlineMs = this.#options.deadlineMs ?? DEADLINE_MS
    clearTimeout(this.#idle)
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => late.reject(new ConnectError(`Plugin ${plugin.className} did not answer within ${deadlineMs} ms while it was asked about a configuration`)),
      deadlineMs,
    )
    try {
      return await Promise.race([this.#running(late.reject).request<T>(make), late.promise])
    } catch (error) {
      // A refusal is an answer; anything else leaves a thread behind that cannot be trusted.
      if (!(error instanceof FailureError) || error.failure.code === 'THREAD_EXITED') await this.#discard()
      throw error
    } finally {
      clearTimeout(timer)
      this.#idle = setTimeout(() => void this.#discard(), IDLE_MS)
      this.#idle.unref()
    }
  }

  #running(troubled: (error: Error) => void): ValidationThread {
    if (this.#thread?.state === 'running') return this.#thread
    const thread: ValidationThread = new WorkerThread('validation', {
      ...this.#options,
      listener: {
        message: () => {},
        troubled: ({ failure }) => {
          troubled(new FailureError(failure))
          void thread.terminate()
        },
      },
    })
    this.#thread = thread
    return thread
  }

  async #discard(): Promise<void> {
    const thread = this.#thread
    this.#thread = null
    await thread?.terminate()
  }
}
