import { api } from '../api.ts'
import { array, bool, int16, int32, int8, string, struct } from '../fields.ts'

/**
 * Settings of topics (`resourceType` 2) and brokers (4). 1: synonyms. 3: type and documentation. 4: flexible.
 */
export const describeConfigs = api({
  name: 'DescribeConfigs',
  key: 32,
  versions: { min: 1, max: 4 },
  flexibleFrom: 4,
  request: {
    resources: array(
      struct({
        resourceType: int8(),
        resourceName: string(),
        configurationKeys: array(string(), { nullable: true }),
      }),
    ),
    includeSynonyms: bool({ default: false }),
    includeDocumentation: bool({ since: 3, default: false }),
  },
  response: {
    throttleTimeMs: int32(),
    results: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ nullable: true }),
        resourceType: int8(),
        resourceName: string(),
        configs: array(
          struct({
            name: string(),
            value: string({ nullable: true }),
            readOnly: bool(),
            configSource: int8({ default: -1, ignorable: true }),
            isSensitive: bool(),
            synonyms: array(
              struct({
                name: string(),
                value: string({ nullable: true }),
                source: int8(),
              }),
              { ignorable: true },
            ),
            configType: int8({ since: 3, default: 0, ignorable: true }),
            documentation: string({ since: 3, nullable: true, ignorable: true }),
          }),
        ),
      }),
    ),
  },
})
