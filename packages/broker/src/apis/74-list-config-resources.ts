import { apiHandler, type BrokerServices, NODE_ID } from '../api-handler.ts'
import { ResourceType } from './32-describe-configs.ts'

/** ListConfigResources 0 to 1 (KIP-1142): topics and the broker. 0 asks for subscriptions of client metrics, of which there are none. */
export const listConfigResources = apiHandler({
  api: 'ListConfigResources',
  versions: { min: 0, max: 1 },

  respond: ({ version, body }, services) => ({
    throttleTimeMs: 0,
    errorCode: 0,
    configResources:
      version === 0 ? [] : all(services).filter(({ resourceType }) => body.resourceTypes.length === 0 || body.resourceTypes.includes(resourceType)),
  }),
  failed: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, configResources: [] }),
})

function all({ topics }: BrokerServices): { resourceName: string; resourceType: number }[] {
  const broker = { resourceName: String(NODE_ID), resourceType: ResourceType.BROKER }
  return [...Array.from(topics.all(), ({ name }) => ({ resourceName: name, resourceType: ResourceType.TOPIC })), broker]
}
