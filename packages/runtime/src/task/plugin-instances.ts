import type { ConnectRecord, Converter, HeaderConverter, PluginContext, Predicate, Transformation } from '@millrace/api'
import type { SecretMask } from '../errors/secret-mask.ts'
import { loadPlugin } from '../plugins/load-plugin.ts'
import type { PluginUse, TaskStart, TransformationUse } from '../thread/messages.ts'
import type { ConverterSet } from './source-converters.ts'
import { definedSecrets } from './task-secrets.ts'
import type { TransformationStage } from './transformation-chain.ts'

/** Makes what a part of the task is configured with. @param part says which it is, in the tags of its metrics. */
export type ContextOf = (part: Readonly<Record<string, string>>) => PluginContext

/** The task's own instances of its converters, configured. @throws where one cannot be loaded or refuses its configuration. */
export async function loadConverters({ key, value, header }: TaskStart['converters'], contextOf: ContextOf, secrets: SecretMask): Promise<ConverterSet> {
  return {
    key: await loadConverter(key, true, contextOf({ converter: 'key' }), secrets),
    value: await loadConverter(value, false, contextOf({ converter: 'value' }), secrets),
    header: await loadHeaderConverter(header, contextOf({ converter: 'header' }), secrets),
    classNames: { key: key.descriptor.className, value: value.descriptor.className, header: header.descriptor.className },
  }
}

/** The task's own instances of its transformations and their predicates, configured, in order. */
export async function loadTransformations<R extends ConnectRecord>(
  uses: readonly TransformationUse[],
  contextOf: ContextOf,
  secrets: SecretMask,
): Promise<TransformationStage<R>[]> {
  const stages: TransformationStage<R>[] = []
  for (const { alias, descriptor, properties, predicate: use } of uses) {
    const transformation = (await instanceOf(descriptor)) as Transformation<R>
    secrets.add(definedSecrets(transformation, properties))
    transformation.configure(properties, contextOf({ transformation: alias }))
    const predicate = use === null ? null : ((await instanceOf(use.descriptor)) as Predicate<R>)
    if (use !== null) secrets.add(definedSecrets(predicate, use.properties))
    if (use !== null) predicate?.configure(use.properties, contextOf({ predicate: use.alias }))
    stages.push({ alias, transformation, className: descriptor.className, predicate, isNegated: use?.isNegated ?? false })
  }
  return stages
}

/** A new instance of a plug-in's class. */
export async function instanceOf(descriptor: PluginUse['descriptor']): Promise<unknown> {
  const Plugin = await loadPlugin(descriptor)
  return new Plugin()
}

async function loadConverter({ descriptor, properties }: PluginUse, isKey: boolean, context: PluginContext, secrets: SecretMask): Promise<Converter> {
  const converter = (await instanceOf(descriptor)) as Converter
  secrets.add(definedSecrets(converter, properties))
  converter.configure(properties, isKey, context)
  return converter
}

async function loadHeaderConverter({ descriptor, properties }: PluginUse, context: PluginContext, secrets: SecretMask): Promise<HeaderConverter> {
  const converter = (await instanceOf(descriptor)) as HeaderConverter
  secrets.add(definedSecrets(converter, properties))
  converter.configureHeader(properties, context)
  return converter
}
