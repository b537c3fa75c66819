import { type ConfigKey, type ConfigType, configValueText, javaDouble } from '@millrace/api'
import type { ConfigKeyInfo } from '@millrace/rest-api'

/** A key of a definition as REST shows it. `prefix` is put before its name. */
export function configKeyInfo(key: ConfigKey, prefix = ''): ConfigKeyInfo {
  return {
    name: prefix + key.name,
    type: key.type,
    required: key.isRequired,
    default_value: key.isRequired ? null : configText(key.defaultValue, key.type),
    importance: key.importance,
    documentation: key.documentation,
    group: key.group,
    order_in_group: key.orderInGroup,
    width: key.width,
    display_name: key.displayName,
    dependents: key.dependents,
  }
}

/** A parsed value as Java shows it (`ConfigDef.convertToString`): lists with commas, passwords hidden, null for null. */
export function configText(value: unknown, type: ConfigType | null): string | null {
  return type === 'DOUBLE' && typeof value === 'number' ? javaDouble(value) : configValueText(value)
}
