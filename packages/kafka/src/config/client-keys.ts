/*
 * Every key of the Java clients 4.3: its type and default there, and what it does here. Differences in a default are noted in the row.
 */

export type ClientKind = 'producer' | 'consumer' | 'admin'
export type KeyType = 'BOOLEAN' | 'INT' | 'LONG' | 'SHORT' | 'DOUBLE' | 'STRING' | 'LIST' | 'CLASS' | 'PASSWORD'

/** One key of the clients. */
export interface ClientKey {
  readonly name: string
  readonly clients: readonly ClientKind[]
  readonly type: KeyType
  /** As it would stand in a property file; null for no value, undefined where a value has to be given. */
  readonly default: string | null | undefined
  /**
   * `supported`: does what it does in Java. `without effect`: accepted, and `note` says why it does nothing.
   * `refused`: a value other than the default is an error that names the key.
   */
  readonly support: 'supported' | 'without effect' | 'refused'
  /** Why, for keys that are not supported, and differences to Java for those that are. */
  readonly note: string
  readonly limits: Limits
}

interface Limits {
  readonly min?: number
  readonly max?: number
  readonly among?: readonly string[]
  readonly ignoreCase?: boolean
}

const REQUIRED = undefined

const kindsByLetter = { P: 'producer', C: 'consumer', A: 'admin' } as const

function key(
  support: ClientKey['support'],
  name: string,
  clients: string,
  type: KeyType,
  fallback: string | null | undefined,
  note: string,
  limits: Limits,
): ClientKey {
  const kinds = [...clients].map((letter) => kindsByLetter[letter as keyof typeof kindsByLetter])
  return { name, clients: kinds, type, default: fallback, support, note, limits }
}

/** @param clients letters: P producer, C consumer, A admin. */
function supported(name: string, clients: string, type: KeyType, fallback: string | null | undefined, limits: Limits = {}, note = ''): ClientKey {
  return key('supported', name, clients, type, fallback, note, limits)
}

function withoutEffect(name: string, clients: string, type: KeyType, fallback: string | null | undefined, note: string): ClientKey {
  return key('without effect', name, clients, type, fallback, note, {})
}

function refused(name: string, clients: string, type: KeyType, fallback: string | null | undefined, note: string): ClientKey {
  return key('refused', name, clients, type, fallback, note, {})
}

/** All keys, by name; a key whose default is not the same for all clients has a row for each. */
export const clientKeys: readonly ClientKey[] = [
  supported('acks', 'P', 'STRING', 'all', { among: ['all', '-1', '0', '1'] }),
  supported('allow.auto.create.topics', 'C', 'BOOLEAN', 'true'),
  supported('auto.commit.interval.ms', 'C', 'INT', '5000', { min: 0 }),
  supported(
    'auto.offset.reset',
    'C',
    'STRING',
    'latest',
    {},
    'latest, earliest, none, by_duration:PnDTnHnMn.nS. Where no record is as young as that, reading begins at the end.',
  ),
  supported('batch.size', 'P', 'INT', '65536', { min: 0 }, 'Java: 16384, which costs a third more CPU. Counts bytes as compressed, by an estimate as in Java.'),
  refused('bootstrap.controllers', 'A', 'LIST', '', 'Administration through controllers is not supported.'),
  supported('bootstrap.servers', 'PCA', 'LIST', REQUIRED),
  supported('buffer.memory', 'P', 'LONG', '33554432', { min: 0 }),
  supported('check.crcs', 'C', 'BOOLEAN', 'true'),
  withoutEffect('client.dns.lookup', 'PCA', 'STRING', 'use_all_dns_ips', 'Node tries all addresses of a name in turn; canonical names matter to GSSAPI only.'),
  supported('client.id', 'PCA', 'STRING', ''),
  supported('client.rack', 'C', 'STRING', '', {}, 'Told to brokers, for the nearest replica, and to the group, for its assignors.'),
  supported('compression.gzip.level', 'P', 'INT', '-1', { min: -1, max: 9 }),
  withoutEffect('compression.lz4.level', 'P', 'INT', '9', 'The library has one level.'),
  supported('compression.type', 'P', 'STRING', 'none', { among: ['none', 'gzip', 'snappy', 'lz4', 'zstd'] }),
  supported('compression.zstd.level', 'P', 'INT', '3', { min: -131072, max: 22 }),
  withoutEffect('config.providers', 'PCA', 'LIST', '', 'References are resolved before a client is made.'),
  supported('connections.max.idle.ms', 'PC', 'LONG', '540000'),
  supported('connections.max.idle.ms', 'A', 'LONG', '300000'),
  supported('default.api.timeout.ms', 'CA', 'INT', '60000', { min: 0 }),
  supported('delivery.timeout.ms', 'P', 'INT', '120000', { min: 0 }),
  supported('enable.auto.commit', 'C', 'BOOLEAN', 'true'),
  supported('enable.idempotence', 'P', 'BOOLEAN', 'true'),
  withoutEffect('enable.metrics.push', 'PC', 'BOOLEAN', 'true', 'No telemetry is pushed to brokers.'),
  withoutEffect('enable.metrics.push', 'A', 'BOOLEAN', 'false', 'No telemetry is pushed to brokers.'),
  supported('exclude.internal.topics', 'C', 'BOOLEAN', 'true'),
  supported('fetch.max.bytes', 'C', 'INT', '52428800', { min: 0 }),
  supported('fetch.max.wait.ms', 'C', 'INT', '500', { min: 0 }),
  supported('fetch.min.bytes', 'C', 'INT', '1', { min: 0 }),
  supported('group.id', 'C', 'STRING', null),
  supported('group.instance.id', 'C', 'STRING', null),
  supported('group.protocol', 'C', 'STRING', 'classic', { among: ['CLASSIC'], ignoreCase: true }, 'Not yet consumer (KIP-848).'),
  refused('group.remote.assignor', 'C', 'STRING', null, 'The group protocol "consumer" is not supported.'),
  supported('heartbeat.interval.ms', 'C', 'INT', '3000'),
  refused('interceptor.classes', 'PC', 'LIST', '', 'Interceptors are Java classes.'),
  supported('isolation.level', 'C', 'STRING', 'read_uncommitted', { among: ['read_committed', 'read_uncommitted'] }),
  withoutEffect('key.deserializer', 'C', 'CLASS', REQUIRED, 'Keys are delivered as bytes.'),
  withoutEffect('key.serializer', 'P', 'CLASS', REQUIRED, 'Keys are taken as bytes or text.'),
  supported('linger.ms', 'P', 'LONG', '5', { min: 0 }),
  supported('max.block.ms', 'P', 'LONG', '60000', { min: 0 }),
  supported('max.in.flight.requests.per.connection', 'P', 'INT', '5', { min: 1 }),
  supported('max.partition.fetch.bytes', 'C', 'INT', '1048576', { min: 0 }),
  supported('max.poll.interval.ms', 'C', 'INT', '300000', { min: 1 }),
  supported('max.poll.records', 'C', 'INT', '500', { min: 1 }),
  supported('max.request.size', 'P', 'INT', '1048576', { min: 0 }),
  supported('metadata.max.age.ms', 'PCA', 'LONG', '300000', { min: 0 }),
  supported('metadata.max.idle.ms', 'P', 'LONG', '300000', { min: 5000 }),
  withoutEffect(
    'metadata.recovery.rebootstrap.trigger.ms',
    'PCA',
    'LONG',
    '300000',
    'When no known broker answers, the bootstrap servers are asked again at once.',
  ),
  supported(
    'metadata.recovery.strategy',
    'PCA',
    'STRING',
    'rebootstrap',
    { among: ['none', 'rebootstrap'], ignoreCase: true },
    'The bootstrap servers are asked again as soon as no known broker answers.',
  ),
  withoutEffect(
    'metric.reporters',
    'PCA',
    'LIST',
    'org.apache.kafka.common.metrics.JmxReporter',
    'Reporters are Java classes. Metrics are read from the client object, by the names that they have in Java.',
  ),
  supported('metrics.num.samples', 'PCA', 'INT', '2', { min: 1 }),
  withoutEffect('metrics.recording.level', 'PCA', 'STRING', 'INFO', 'In Java, too, all metrics of these clients are of the level INFO.'),
  supported('metrics.sample.window.ms', 'PCA', 'LONG', '30000', { min: 0 }, 'Looked at every 30 seconds, and when metrics are read.'),
  supported(
    'partition.assignment.strategy',
    'C',
    'LIST',
    'org.apache.kafka.clients.consumer.RangeAssignor,org.apache.kafka.clients.consumer.CooperativeStickyAssignor',
    {},
    'RangeAssignor, RoundRobinAssignor, StickyAssignor and CooperativeStickyAssignor; other classes are named in a warning and left out.',
  ),
  supported('partitioner.adaptive.partitioning.enable', 'P', 'BOOLEAN', 'true'),
  supported('partitioner.availability.timeout.ms', 'P', 'LONG', '0', { min: 0 }, 'Looked at for each partition by itself; in Java for each broker.'),
  supported('partitioner.class', 'P', 'CLASS', null),
  supported('partitioner.ignore.keys', 'P', 'BOOLEAN', 'false'),
  withoutEffect('receive.buffer.bytes', 'P', 'INT', '32768', 'Node leaves the size to the operating system.'),
  withoutEffect('receive.buffer.bytes', 'CA', 'INT', '65536', 'Node leaves the size to the operating system.'),
  supported('reconnect.backoff.max.ms', 'PCA', 'LONG', '1000', { min: 0 }),
  supported('reconnect.backoff.ms', 'PCA', 'LONG', '50', { min: 0 }),
  supported('request.timeout.ms', 'PCA', 'INT', '30000', { min: 0 }),
  supported('retries', 'PA', 'INT', '2147483647', { min: 0, max: 2147483647 }),
  supported('retry.backoff.max.ms', 'PCA', 'LONG', '1000', { min: 0 }),
  supported('retry.backoff.ms', 'PCA', 'LONG', '100', { min: 0 }),
  refused('sasl.client.callback.handler.class', 'PCA', 'CLASS', null, 'Java classes cannot be loaded here.'),
  supported('sasl.jaas.config', 'PCA', 'PASSWORD', null, {}, 'PlainLoginModule, ScramLoginModule, OAuthBearerLoginModule.'),
  withoutEffect('sasl.kerberos.kinit.cmd', 'PCA', 'STRING', '/usr/bin/kinit', 'GSSAPI is refused; the setting alone does nothing.'),
  withoutEffect('sasl.kerberos.min.time.before.relogin', 'PCA', 'LONG', '60000', 'GSSAPI is refused; the setting alone does nothing.'),
  withoutEffect('sasl.kerberos.service.name', 'PCA', 'STRING', null, 'GSSAPI is refused; the setting alone does nothing.'),
  withoutEffect('sasl.kerberos.ticket.renew.jitter', 'PCA', 'DOUBLE', '0.05', 'GSSAPI is refused; the setting alone does nothing.'),
  withoutEffect('sasl.kerberos.ticket.renew.window.factor', 'PCA', 'DOUBLE', '0.8', 'GSSAPI is refused; the setting alone does nothing.'),
  supported(
    'sasl.login.callback.handler.class',
    'PCA',
    'CLASS',
    null,
    {},
    'For OAUTHBEARER: one of the OAuthBearerLoginCallbackHandler classes. Without it, sasl.oauthbearer.token.endpoint.url alone chooses that one; Java would make unsecured tokens.',
  ),
  refused('sasl.login.class', 'PCA', 'CLASS', null, 'Java classes cannot be loaded here.'),
  supported('sasl.login.connect.timeout.ms', 'PCA', 'INT', null, {}, 'Java: no limit. Here 10000 if it is not set; counts together with the read timeout.'),
  supported('sasl.login.read.timeout.ms', 'PCA', 'INT', null, {}, 'Java: no limit. Here 10000 if it is not set; counts together with the connect timeout.'),
  supported('sasl.login.refresh.buffer.seconds', 'PCA', 'SHORT', '300'),
  supported('sasl.login.refresh.min.period.seconds', 'PCA', 'SHORT', '60'),
  supported('sasl.login.refresh.window.factor', 'PCA', 'DOUBLE', '0.8'),
  supported('sasl.login.refresh.window.jitter', 'PCA', 'DOUBLE', '0.05'),
  supported('sasl.login.retry.backoff.max.ms', 'PCA', 'LONG', '10000'),
  supported('sasl.login.retry.backoff.ms', 'PCA', 'LONG', '100'),
  supported(
    'sasl.mechanism',
    'PCA',
    'STRING',
    'GSSAPI',
    {},
    'PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER. GSSAPI, the default, is refused where SASL is used.',
  ),
  supported('sasl.oauthbearer.assertion.algorithm', 'PCA', 'STRING', 'RS256'),
  supported('sasl.oauthbearer.assertion.claim.aud', 'PCA', 'STRING', null),
  supported('sasl.oauthbearer.assertion.claim.exp.seconds', 'PCA', 'INT', '300'),
  supported('sasl.oauthbearer.assertion.claim.iss', 'PCA', 'STRING', null),
  supported('sasl.oauthbearer.assertion.claim.jti.include', 'PCA', 'BOOLEAN', 'false'),
  supported('sasl.oauthbearer.assertion.claim.nbf.seconds', 'PCA', 'INT', '60'),
  supported('sasl.oauthbearer.assertion.claim.sub', 'PCA', 'STRING', null),
  supported('sasl.oauthbearer.assertion.file', 'PCA', 'STRING', null),
  supported('sasl.oauthbearer.assertion.private.key.file', 'PCA', 'STRING', null),
  supported('sasl.oauthbearer.assertion.private.key.passphrase', 'PCA', 'PASSWORD', null),
  supported('sasl.oauthbearer.assertion.template.file', 'PCA', 'STRING', null),
  supported('sasl.oauthbearer.client.credentials.client.id', 'PCA', 'STRING', null),
  supported('sasl.oauthbearer.client.credentials.client.secret', 'PCA', 'PASSWORD', null),
  withoutEffect('sasl.oauthbearer.clock.skew.seconds', 'PCA', 'INT', '30', 'For brokers: a client does not verify tokens.'),
  withoutEffect('sasl.oauthbearer.expected.audience', 'PCA', 'LIST', '', 'For brokers: a client does not verify tokens.'),
  withoutEffect('sasl.oauthbearer.expected.issuer', 'PCA', 'STRING', null, 'For brokers: a client does not verify tokens.'),
  supported('sasl.oauthbearer.header.urlencode', 'PCA', 'BOOLEAN', 'false'),
  withoutEffect('sasl.oauthbearer.jwks.endpoint.refresh.ms', 'PCA', 'LONG', '3600000', 'For brokers: a client does not verify tokens.'),
  withoutEffect('sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms', 'PCA', 'LONG', '10000', 'For brokers: a client does not verify tokens.'),
  withoutEffect('sasl.oauthbearer.jwks.endpoint.retry.backoff.ms', 'PCA', 'LONG', '100', 'For brokers: a client does not verify tokens.'),
  withoutEffect('sasl.oauthbearer.jwks.endpoint.url', 'PCA', 'STRING', null, 'For brokers: a client does not verify tokens.'),
  supported(
    'sasl.oauthbearer.jwt.retriever.class',
    'PCA',
    'CLASS',
    'org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever',
    {},
    'The classes of Kafka itself.',
  ),
  supported(
    'sasl.oauthbearer.jwt.validator.class',
    'PCA',
    'CLASS',
    'org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator',
    {},
    'DefaultJwtValidator and ClientJwtValidator.',
  ),
  supported('sasl.oauthbearer.scope', 'PCA', 'STRING', null),
  supported('sasl.oauthbearer.scope.claim.name', 'PCA', 'STRING', 'scope'),
  supported('sasl.oauthbearer.sub.claim.name', 'PCA', 'STRING', 'sub'),
  supported(
    'sasl.oauthbearer.token.endpoint.url',
    'PCA',
    'STRING',
    null,
    {},
    'As in Java it has to be allowed: -Dorg.apache.kafka.sasl.oauthbearer.allowed.urls (or .files) in KAFKA_OPTS.',
  ),
  supported('security.protocol', 'PCA', 'STRING', 'PLAINTEXT', { among: ['PLAINTEXT', 'SASL_PLAINTEXT', 'SASL_SSL', 'SSL'], ignoreCase: true }),
  refused('security.providers', 'PCA', 'STRING', null, 'Java security providers do not exist here.'),
  withoutEffect('send.buffer.bytes', 'PCA', 'INT', '131072', 'Node leaves the size to the operating system.'),
  supported('session.timeout.ms', 'C', 'INT', '45000'),
  withoutEffect('share.acknowledgement.mode', 'C', 'STRING', 'implicit', 'For share groups only.'),
  withoutEffect('share.acquire.mode', 'C', 'STRING', 'BATCH_OPTIMIZED', 'For share groups only.'),
  supported('socket.connection.setup.timeout.max.ms', 'PCA', 'LONG', '30000'),
  supported('socket.connection.setup.timeout.ms', 'PCA', 'LONG', '10000'),
  supported('ssl.cipher.suites', 'PCA', 'LIST', '', {}, 'By the names of Java; those that OpenSSL has.'),
  supported('ssl.enabled.protocols', 'PCA', 'LIST', 'TLSv1.2,TLSv1.3', {}, 'TLSv1.2 and TLSv1.3.'),
  supported('ssl.endpoint.identification.algorithm', 'PCA', 'STRING', 'https'),
  supported('ssl.engine.factory.class', 'PCA', 'CLASS', null, {}, 'Only DefaultSslEngineFactory.'),
  supported('ssl.key.password', 'PCA', 'PASSWORD', null),
  withoutEffect('ssl.keymanager.algorithm', 'PCA', 'STRING', 'SunX509', 'There is one implementation.'),
  supported('ssl.keystore.certificate.chain', 'PCA', 'PASSWORD', null),
  supported('ssl.keystore.key', 'PCA', 'PASSWORD', null),
  supported('ssl.keystore.location', 'PCA', 'STRING', null),
  supported('ssl.keystore.password', 'PCA', 'PASSWORD', null),
  supported('ssl.keystore.type', 'PCA', 'STRING', 'JKS'),
  supported('ssl.protocol', 'PCA', 'STRING', 'TLSv1.3', {}, 'TLSv1.3, TLSv1.2 and TLS.'),
  withoutEffect('ssl.provider', 'PCA', 'STRING', null, 'There is one implementation.'),
  withoutEffect('ssl.secure.random.implementation', 'PCA', 'STRING', null, 'There is one implementation.'),
  withoutEffect('ssl.trustmanager.algorithm', 'PCA', 'STRING', 'PKIX', 'There is one implementation.'),
  supported('ssl.truststore.certificates', 'PCA', 'PASSWORD', null),
  supported('ssl.truststore.location', 'PCA', 'STRING', null),
  supported('ssl.truststore.password', 'PCA', 'PASSWORD', null),
  supported('ssl.truststore.type', 'PCA', 'STRING', 'JKS'),
  supported('transaction.timeout.ms', 'P', 'INT', '60000'),
  refused('transaction.two.phase.commit.enable', 'P', 'BOOLEAN', 'false', 'Transactions in two phases are not supported.'),
  supported('transactional.id', 'P', 'STRING', null),
  withoutEffect('value.deserializer', 'C', 'CLASS', REQUIRED, 'Values are delivered as bytes.'),
  withoutEffect('value.serializer', 'P', 'CLASS', REQUIRED, 'Values are taken as bytes or text.'),
]
