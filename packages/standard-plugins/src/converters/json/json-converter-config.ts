import { caseInsensitiveValidString } from '@millrace/api'
import { converterConfig } from '../converter-config.ts'

export const jsonConverterConfig = converterConfig
  .define('schemas.enable', {
    type: 'BOOLEAN',
    default: true,
    importance: 'HIGH',
    documentation: 'Include schemas within each of the serialized values and keys.',
    group: 'Schemas',
    orderInGroup: 0,
    width: 'MEDIUM',
    displayName: 'Enable Schemas',
  })
  .define('schemas.cache.size', {
    type: 'INT',
    default: 1000,
    importance: 'HIGH',
    documentation: 'The maximum number of schemas that can be cached in this converter instance.',
    group: 'Schemas',
    orderInGroup: 1,
    width: 'MEDIUM',
    displayName: 'Schema Cache Size',
  })
  .define('schema.content', {
    type: 'STRING',
    default: null,
    importance: 'HIGH',
    documentation:
      'When set, this is used as the schema for all messages, and the schemas within each of the message will be ignored.' +
      "Otherwise, the schema will be included in the content of each message. This configuration applies only 'schemas.enable' is true, " +
      'and it exclusively affects the sink connector.',
    group: 'Schemas',
    orderInGroup: 2,
    width: 'MEDIUM',
    displayName: 'Schema Content',
  })
  .define('decimal.format', {
    type: 'STRING',
    default: 'BASE64',
    importance: 'LOW',
    documentation:
      'Controls which format this converter will serialize decimals in. ' + "This value is case insensitive and can be either 'BASE64' (default) or 'NUMERIC'",
    // The order in which the original shows them.
    validator: caseInsensitiveValidString.in('NUMERIC', 'BASE64'),
    group: 'Serialization',
    orderInGroup: 0,
    width: 'MEDIUM',
    displayName: 'Decimal Format',
  })
  .define('replace.null.with.default', {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    documentation:
      'Whether to replace fields that have a default value and that are null to the default value. ' +
      'When set to true, the default value is used, otherwise null is used.',
    group: 'Serialization',
    orderInGroup: 1,
    width: 'MEDIUM',
    displayName: 'Replace null with default',
  })
