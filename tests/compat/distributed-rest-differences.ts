import { type Difference, everywhere, LATER_TRANSFORMATIONS, withoutLaterPlugins } from './rest-differences.ts'

const { '17 POST /connectors': _, ...ofAllRecordings } = everywhere
const withoutLater: Difference = { reason: LATER_TRANSFORMATIONS, ours: withoutLaterPlugins }

/** Where our worker of a cluster does not answer as Kafka Connect's, by the names of the calls, and why. */
export const distributedRestDifferences: Readonly<Record<string, Difference>> = {
  ...ofAllRecordings,
  '115 GET /connector-plugins?connectorsOnly=banana': withoutLater,
}
