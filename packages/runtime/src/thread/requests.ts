import { FailureError, failureOf } from '../errors/failure.ts'
import type { Answer, Refusal } from './messages.ts'

/** The requests that one side of a thread's border has sent and not had answered. */
export class Requests {
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>()
  #lastId = 0
  #failure: Error | null = null

  /** Sends a request with an id of its own. @returns its answer; rejects with the other side's failure, or with that of `failAll`. */
  send<T>(post: (request: number) => void): Promise<T> {
    if (this.#failure) return Promise.reject(this.#failure)
    const id = ++this.#lastId
    const pending = Promise.withResolvers<unknown>()
    this.#pending.set(id, pending)
    try {
      post(id)
    } catch (error) {
      this.#pending.delete(id)
      pending.reject(error)
    }
    return pending.promise as Promise<T>
  }

  /** Takes an answer. Those to requests that nobody waits for any more are ignored. */
  settle(message: Answer | Refusal): void {
    const pending = this.#pending.get(message.request)
    this.#pending.delete(message.request)
    if (message.type === 'answer') pending?.resolve(message.value)
    else pending?.reject(new FailureError(message.failure))
  }

  /** The other side is gone: all pending requests and all later ones fail. */
  failAll(error: Error): void {
    this.#failure = error
    for (const pending of this.#pending.values()) pending.reject(error)
    this.#pending.clear()
  }
}

/** Answers a request with what `work` gives, or refuses it with what it throws. */
export async function answer(post: (message: Answer | Refusal) => void, request: number, work: () => unknown): Promise<void> {
  let message: Answer | Refusal
  try {
    message = { type: 'answer', request, value: await work() }
    post(message)
  } catch (error) {
    post({ type: 'refusal', request, failure: failureOf(error) })
  }
}
