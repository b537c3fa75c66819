import { type Difference, everywhere, LATER_TRANSFORMATIONS, withoutLaterPlugins } from './rest-differences.ts'

const { '17 POST /connectors': _, ...ofAllRecordings } = everywhere

/** Where our worker of a cluster does not answer as Kafka Connect's, by the names of the calls, and why. */
export const distributedRestDifferences: Readonly<Record<string, Difference>> = {
  ...ofAllRecordings,
  '115 GET /connector-plugins?connectorsOnly=banana': { reason: LATER_TRANSFORMATIONS, ours: withoutLaterPlugins },
  '155 POST /connectors': {
    reason: 'the original creates a connector that lacks a required setting where that is given as null',
    ours: () => ({
      status: 400,
      headers: {},
      body: {
        error_code: 400,
        message:
          'Connector configuration is invalid and contains the following 1 error(s):\nMissing required configuration "topic" which has no default value.\nYou can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`',
      },
    }),
  },
  '196 POST /connectors/d-source/tasks/0/restart': {
    reason: 'the original still knows the configurations of tasks that its stopped connector once had',
    ours: () => ({ status: 404, body: { error_code: 404, message: 'Unknown task: d-source-0' } }),
  },
  '213 PUT /admin/loggers/root': { reason: "the recorded worker's log4j2 file names a logger of its own", ours: () => ({ body: [] }) },
}
