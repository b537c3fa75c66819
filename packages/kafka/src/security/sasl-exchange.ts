/** One SASL exchange, from the client's side. Made for one authentication and thrown away after it. */
export interface SaslExchange {
  /** The first message to the broker. Called once. */
  start(): Promise<Buffer>
  /**
   * Takes an answer of the broker.
   *
   * @param challenge what came; empty where the broker just agrees.
   * @returns the next message, or null when all is said.
   * @throws KafkaError `SASL_AUTHENTICATION_FAILED` if the answer is not acceptable.
   */
  next(challenge: Buffer): Promise<Buffer | null>
}
