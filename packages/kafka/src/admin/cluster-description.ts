import type { AdminRequests, CallOptions } from './admin-requests.ts'

export interface ClusterDescription {
  readonly clusterId: string
  /** -1 if there is none at the moment. With KRaft any broker that passes requests on. */
  readonly controllerId: number
  readonly brokers: readonly { readonly id: number; readonly host: string; readonly port: number; readonly rack: string | null }[]
}

export async function describeCluster(requests: AdminRequests, options: CallOptions): Promise<ClusterDescription> {
  const ask = () => requests.any('Metadata', { topics: [], allowAutoTopicCreation: false })
  const { clusterId, controllerId, brokers } = await requests.untilDone('describeCluster', ask, options)
  return { clusterId: clusterId ?? '', controllerId, brokers: brokers.map(({ nodeId, host, port, rack }) => ({ id: nodeId, host, port, rack })) }
}
