// Fetches Apache Kafka and Kafka Connect for the tests and benchmarks beside them.
// Where that cannot be done, says why, and fails only where it must be possible (MILLRACE_REQUIRE_SERVERS=1).

import { earlierReleases, fetchPeer, kafkaVersion, peerHome } from './peer.ts'

try {
  fetchPeer()
  console.log(`Apache Kafka ${[kafkaVersion, ...earlierReleases].join(', ')} is in ${peerHome}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = process.env.MILLRACE_REQUIRE_SERVERS === '1' ? 1 : 0
}
