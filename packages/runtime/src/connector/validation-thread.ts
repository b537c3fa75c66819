import { parentPort, workerData } from 'node:worker_threads'
import { type Config, type ConfigDef, ConnectError, type Plugin, type Properties } from '@millrace/api'
import { configKeyInfo, configText } from '../config/config-key-info.ts'
import type { PluginDescriptor } from '../plugins/plugin-registry.ts'
import { failureOf } from '../errors/failure.ts'
import { instanceOf } from '../task/plugin-instances.ts'
import { ThreadChannel } from '../task/thread-channel.ts'
import { beatRegularly } from '../thread/heartbeat.ts'
import type { AlterOffsets, FromValidationThread, ThreadStart, ToValidationThread, ValidationResult } from '../thread/messages.ts'
import { answer } from '../thread/requests.ts'
import { ThreadMarker } from '../thread/thread-marker.ts'

/* The entry of the thread in which plug-ins are asked about configurations. It is thrown away where one of them hangs, leaks or fails out of turn. */

if (parentPort === null) throw new Error('A validation thread is started by the worker, not by itself')
const port = parentPort
const { marker: markerBuffer, heartbeatIntervalMsMax, logLevels } = workerData as ThreadStart
const marker = new ThreadMarker(markerBuffer)
const channel = new ThreadChannel<FromValidationThread>(port, logLevels)

process.on('uncaughtException', (error) => channel.post({ type: 'thread-failed', failure: failureOf(error) }))
process.on('unhandledRejection', (error) => channel.post({ type: 'thread-failed', failure: failureOf(error) }))
beatRegularly(marker, heartbeatIntervalMsMax)
port.on('message', (message: ToValidationThread) => receive(message))
channel.post({ type: 'ready' })

function receive(message: ToValidationThread): void {
  const reply = (work: () => Promise<unknown>) =>
    void answer((result) => channel.post(result), message.type === 'change-log-levels' ? 0 : message.request, work)
  if (message.type === 'change-log-levels') channel.setLevels(message.levels)
  else if (message.type === 'validate-config') reply(() => validateConfig(message.plugin, message.properties))
  else if (message.type === 'alter-offsets') reply(() => alterOffsets(message))
  else reply(async () => configKeys((await definitionOf(message.plugin)).definition))
}

/** A plug-in that may check more than its definition says, as connectors do. */
interface ValidatingPlugin extends Plugin {
  validate?(properties: Properties): Config | Promise<Config>
}

async function validateConfig(descriptor: PluginDescriptor, properties: Properties): Promise<ValidationResult> {
  const { plugin, definition } = await definitionOf(descriptor)
  const config = await (plugin.validate ? plugin.validate(properties) : definition.validate(properties))
  if (config == null) throw new ConnectError(`${descriptor.className}.validate() must return a Config that is not null.`)
  return {
    configKeys: configKeys(definition),
    groups: [...definition.groups],
    values: config.values.map(({ name, value, recommendedValues, errorMessages, visible }) => {
      const type = definition.keys.get(name)?.type ?? null
      return {
        name,
        value: configText(value, type),
        recommendedValues: recommendedValues.map((recommended) => configText(recommended, type) ?? 'null'),
        errorMessages: [...errorMessages],
        visible,
      }
    }),
  }
}

/** A connector of either kind. */
interface AlteringPlugin extends Plugin {
  alterOffsets?(properties: Properties, offsets: readonly object[]): boolean | Promise<boolean>
}

async function alterOffsets({ plugin, properties, offsets }: AlterOffsets): Promise<boolean> {
  const connector = (await instanceOf(plugin)) as AlteringPlugin
  return (await connector.alterOffsets?.(properties, offsets)) === true
}

async function definitionOf(descriptor: PluginDescriptor): Promise<{ plugin: ValidatingPlugin; definition: ConfigDef }> {
  const plugin = (await instanceOf(descriptor)) as ValidatingPlugin
  const definition = plugin.config()
  if (definition == null) throw new ConnectError(`${descriptor.className}.config() must return a ConfigDef that is not null.`)
  return { plugin, definition }
}

function configKeys(definition: ConfigDef): ValidationResult['configKeys'] {
  return [...definition.keys.values()].map((key) => configKeyInfo(key))
}
