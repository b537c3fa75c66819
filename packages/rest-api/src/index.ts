export type * from './entities.ts'
export { ConnectClient, ConnectClientError, type ConnectClientOptions } from './client.ts'
