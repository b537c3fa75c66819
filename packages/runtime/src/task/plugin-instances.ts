import type { ConnectRecord, Converter, HeaderConverter, Logger, PluginContext, Predicate, Transformation } from '@millrace/api'
import { loadPlugin } from '../plugins/load-plugin.ts'
import type { PluginUse, TaskStart, TransformationUse } from '../thread/messages.ts'
import { RegisteredMetrics } from './registered-metrics.ts'
import type { ConverterSet } from './source-converters.ts'
import type { TransformationStage } from './transformation-chain.ts'

/** The task's own instances of its converters, configured. @throws where one cannot be loaded or refuses its configuration. */
export async function loadConverters({ key, value, header }: TaskStart['converters'], logger: Logger): Promise<ConverterSet> {
  return {
    key: await loadConverter(key, true, logger),
    value: await loadConverter(value, false, logger),
    header: await loadHeaderConverter(header, logger),
    classNames: { key: key.descriptor.className, value: value.descriptor.className, header: header.descriptor.className },
  }
}

/** The task's own instances of its transformations and their predicates, configured, in order. */
export async function loadTransformations<R extends ConnectRecord>(uses: readonly TransformationUse[], logger: Logger): Promise<TransformationStage<R>[]> {
  const stages: TransformationStage<R>[] = []
  for (const { descriptor, properties, predicate: use } of uses) {
    const transformation = (await instanceOf(descriptor)) as Transformation<R>
    transformation.configure(properties, pluginContext(logger))
    const predicate = use === null ? null : ((await instanceOf(use.descriptor)) as Predicate<R>)
    predicate?.configure(use?.properties ?? {}, pluginContext(logger))
    stages.push({ transformation, className: descriptor.className, predicate, isNegated: use?.isNegated ?? false })
  }
  return stages
}

/** A new instance of a plug-in's class. */
export async function instanceOf(descriptor: PluginUse['descriptor']): Promise<unknown> {
  const Plugin = await loadPlugin(descriptor)
  return new Plugin()
}

async function loadConverter({ descriptor, properties }: PluginUse, isKey: boolean, logger: Logger): Promise<Converter> {
  const converter = (await instanceOf(descriptor)) as Converter
  converter.configure(properties, isKey, pluginContext(logger))
  return converter
}

async function loadHeaderConverter({ descriptor, properties }: PluginUse, logger: Logger): Promise<HeaderConverter> {
  const converter = (await instanceOf(descriptor)) as HeaderConverter
  converter.configureHeader(properties, pluginContext(logger))
  return converter
}

function pluginContext(logger: Logger): PluginContext {
  return { logger, metrics: new RegisteredMetrics() }
}
