export { DirectoryConfigProvider } from './config-providers/directory-config-provider.ts'
export { EnvVarConfigProvider } from './config-providers/env-var-config-provider.ts'
export { FileConfigProvider } from './config-providers/file-config-provider.ts'
export { ByteArrayConverter } from './converters/byte-array-converter.ts'
export { JsonConverter } from './converters/json/json-converter.ts'
export {
  BooleanConverter,
  DoubleConverter,
  FloatConverter,
  IntegerConverter,
  LongConverter,
  ShortConverter,
} from './converters/primitive-converter.ts'
export { SimpleHeaderConverter } from './converters/simple-header-converter.ts'
export { StringConverter } from './converters/string-converter.ts'
export {
  AllConnectorClientConfigOverridePolicy,
  AllowlistConnectorClientConfigOverridePolicy,
  NoneConnectorClientConfigOverridePolicy,
  PrincipalConnectorClientConfigOverridePolicy,
} from './policies/override-policies.ts'
export { HasHeaderKey } from './predicates/has-header-key.ts'
export { RecordIsTombstone } from './predicates/record-is-tombstone.ts'
export { TopicNameMatches } from './predicates/topic-name-matches.ts'
export { Filter } from './transforms/filter.ts'
export { InsertFieldKey, InsertFieldValue } from './transforms/insert-field.ts'
export { MaskFieldKey, MaskFieldValue } from './transforms/mask-field.ts'
export { RegexRouter } from './transforms/regex-router.ts'
export { ReplaceFieldKey, ReplaceFieldValue } from './transforms/replace-field.ts'
export { TimestampConverterKey, TimestampConverterValue } from './transforms/timestamp-converter.ts'
