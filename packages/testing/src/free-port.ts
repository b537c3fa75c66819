import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/**
 * Ports on loopback that nobody listens on now. All are held open together before any is given back, so that they differ.
 * Only for programs that cannot listen on port 0 themselves: between this call and theirs someone else may take one.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports = []
  for (const server of servers) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    ports.push((server.address() as AddressInfo).port)
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
