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
