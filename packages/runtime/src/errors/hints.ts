import type { FailureClass } from '@millrace/rest-api'

/** A kind of failure that has a name, and what helps. `millrace explain` prints it, `docs/errors` has a page of it. */
export interface Hint {
  /** `MR-2101`: the first digit stands for the class. Never given to another kind of failure. */
  readonly id: string
  /** A few words, as a heading. */
  readonly title: string
  readonly class: FailureClass
  /** What has happened, for somebody who meets it for the first time. */
  readonly meaning: string
  /** Where to look to be sure. */
  readonly see: string
  /** One or two sentences: what to do first. Stands in the failure's report. */
  readonly try: string
}

/** The first digit of a hint's id. */
const CLASS_DIGITS: Readonly<Record<FailureClass, string>> = { transient: '1', data: '2', configuration: '3', authentication: '4', resource: '5', bug: '6' }

const hint = (failureClass: FailureClass, number: string, title: string, text: Pick<Hint, 'meaning' | 'see' | 'try'>): Hint => ({
  id: `MR-${CLASS_DIGITS[failureClass]}${number}`,
  title,
  class: failureClass,
  ...text,
})

/** All hints, by their ids. What a failure is classed as is the class of its hint. */
export const hints: readonly Hint[] = [
  // ─── transient: the same may work a moment later ───
  hint('transient', '001', 'A failure that passes', {
    meaning:
      'A plugin or a Kafka client says of this error that the same call may succeed later, but it was thrown where nobody tries again, such as in `start`.',
    see: '`causes` in the report, outermost first. The last one says what was not available.',
    try: 'Restart the task. If it comes back, look after the system that the last cause names.',
  }),
  hint('transient', '101', 'Kafka cannot be reached', {
    meaning: 'No connection to a broker came about, or it broke: the broker is down, the address is wrong, or a firewall is in between.',
    see: '`recent_events` name the address. `bootstrap.servers` is the first address only: brokers then name their own (`advertised.listeners`), which have to be reachable from the worker, too.',
    try: 'Check that the worker reaches bootstrap.servers and the advertised.listeners of every broker, then restart the task.',
  }),
  hint('transient', '102', 'The other system cannot be reached', {
    meaning: 'The source or destination of the connector refused the connection, closed it or did not answer. Kafka is not concerned.',
    see: 'The message names address and port. Try them from the machine of the worker.',
    try: 'Check that the system runs and that nothing between it and the worker blocks the port, then restart the task.',
  }),
  hint('transient', '103', 'A host name cannot be resolved', {
    meaning: 'The name service does not know the host, or did not answer.',
    see: 'The message has the name as the connector asked for it: a missing domain or a letter too many shows there.',
    try: 'Check the host name in the configuration and the name service of the machine, then restart the task.',
  }),
  hint('transient', '104', 'Something did not happen in time', {
    meaning:
      'A request had no answer within its time-out: an overloaded broker or system, a network that loses packets, or a time-out that is too short for what was asked.',
    see: "Which request it was stands in the message; whether it is slow in general shows in the broker's request metrics or in the other system.",
    try: 'Restart the task. If it comes back, find out what is slow before you raise the time-out that the message names.',
  }),
  hint('transient', '105', 'The consumer group has moved on', {
    meaning:
      'The task was not heard of for too long, so its group gave its partitions to others. What it had read since its last commit is read again by them.',
    see: 'Time in `put` in `millrace.stage_time_ms`: a batch that takes longer than `max.poll.interval.ms` is the usual reason.',
    try: 'Restart the task. If it comes back, make batches smaller (consumer.override.max.poll.records) or allow more time (consumer.override.max.poll.interval.ms).',
  }),
  hint('transient', '106', 'Kafka is busy with itself', {
    meaning: 'A partition has no leader, too few of its replicas are in step, or a coordinator moves. Kafka usually mends this by itself.',
    see: '`kafka-topics.sh --describe --under-min-isr-partitions` and `--unavailable-partitions`.',
    try: 'Wait until the cluster is whole again, then restart the task. If it stays, a broker is missing or min.insync.replicas is more than there are replicas.',
  }),
  hint('transient', '107', 'The worker is out of its group', {
    meaning:
      'The worker could not reach the coordinator of its cluster for longer than its session, so others may run its tasks by now. It commits nothing any more until it is back.',
    see: "`GET /millrace/rebalances` of the other workers; the worker's log says since when.",
    try: 'Nothing, where the worker comes back by itself. If it does not, check its connection to Kafka.',
  }),
  hint('transient', '108', 'A task makes no progress', {
    meaning:
      'There is work, but nothing came of it for `millrace.stall.timeout.ms`: a call of the plugin does not return, or a sink is behind and takes nothing. `millrace.stall.action` asks to end the task then.',
    see: 'The message names the call; `recent_events` show what came before it. The thread itself goes on, so it waits for something: a destination, a lock, an answer.',
    try: 'Look after the system that the call waits for. If such waits are normal there, raise millrace.stall.timeout.ms.',
  }),

  // ─── data: this record fails each time ───
  hint('data', '001', 'A record does not fit', {
    meaning: 'A plugin refuses a record: a value does not fit its schema, or a field is missing. The same record fails each time it is read.',
    see: '`where` has topic, partition and offset; a console consumer with `--partition` and `--offset` shows the record.',
    try: 'Correct what writes such records, or set errors.tolerance=all with errors.deadletterqueue.topic.name to set them aside and go on.',
  }),
  hint('data', '101', 'Plain JSON where JsonConverter expects a schema', {
    meaning:
      'JsonConverter with `schemas.enable=true`, its default, reads only objects of the form `{"schema": …, "payload": …}`. The record is JSON of another form.',
    see: 'The setting is that of the connector where it names the converter itself, otherwise that of the worker: a prefix in the connector has no effect on the converter of the worker.',
    try: 'Set value.converter.schemas.enable=false (key.converter.… for keys) beside the line that names the converter.',
  }),
  hint('data', '102', 'JSON where another converter is configured', {
    meaning: 'The record is JSON, but the converter is one for another format.',
    see: '`where` has the topic; what writes to it decides about the format, and each topic may have another.',
    try: 'Set value.converter=org.apache.kafka.connect.json.JsonConverter and value.converter.schemas.enable=false in the connector (key.converter for keys).',
  }),
  hint('data', '103', 'Bytes of a schema registry where another converter is configured', {
    meaning:
      'The record begins with a zero byte and the number of a schema, as Avro, Protobuf and JSON Schema with a schema registry do. The converter does not understand that form.',
    see: 'The number of the schema is in the root cause: `GET /schemas/ids/{number}` of the registry shows it and its type.',
    try: 'Set the converter that wrote it (such as io.confluent.connect.avro.AvroConverter) and its schema.registry.url in the connector.',
  }),
  hint('data', '104', 'Text where another converter is configured', {
    meaning: 'The record is plain text. The converter expects another format.',
    see: 'A console consumer shows the record as it is.',
    try: 'Set value.converter=org.apache.kafka.connect.storage.StringConverter in the connector (key.converter for keys).',
  }),
  hint('data', '105', 'JSON that is damaged', {
    meaning: 'The record begins as JSON but is not JSON to its end: cut off, two documents in one record, a comma too many.',
    see: 'The cause tells the position. Records that are cut off usually have a round size, or that of a limit of the producer.',
    try: 'Correct what writes such records, or set errors.tolerance=all with errors.deadletterqueue.topic.name to set them aside.',
  }),
  hint('data', '106', 'Compressed bytes inside a record', {
    meaning: "The record's own bytes are compressed, by the application that wrote them. Kafka's compression is another matter and undone by the client.",
    see: 'The root cause names the format.',
    try: 'Let the producer write plain bytes with compression.type set, or read them with ByteArrayConverter and unpack them in a transformation.',
  }),
  hint('data', '107', 'Java objects inside a record', {
    meaning: "The record was written with Java's own serialization. No converter reads it, and reading it would run code of its classes.",
    see: "The producer's value.serializer.",
    try: 'Let the producer write JSON, Avro or text. ByteArrayConverter hands the bytes on as they are.',
  }),
  hint('data', '108', 'XML where another converter is configured', {
    meaning: 'The record is XML. No converter that comes with Millrace reads it.',
    see: 'A console consumer shows the record as it is.',
    try: 'Read it as text with org.apache.kafka.connect.storage.StringConverter and let a transformation or the destination parse it.',
  }),
  hint('data', '109', 'An empty record', {
    meaning: 'The record has a value of no bytes. That is not the same as no value (a tombstone), and most formats have no such value.',
    see: 'The producer: an empty string instead of null is the usual reason.',
    try: "Let the producer write null instead, or filter such records before the converter's topic is read.",
  }),
  hint('data', '110', 'Bytes that the converter cannot read', {
    meaning: 'The converter refuses the record, and its bytes have no form that is known by sight: another format, another version of it, or damage.',
    see: '`causes` has the words of the converter; a console consumer with `--partition` and `--offset` shows the record.',
    try: 'Compare the serializer of the producer with the converter of the connector. To set such records aside set errors.tolerance=all with errors.deadletterqueue.topic.name.',
  }),
  hint('data', '111', 'A value that the converter cannot write', {
    meaning: 'A source has made a value that does not fit its schema, or the converter takes no values of its type.',
    see: '`where` has the source position of the record; `causes` the types that do not fit.',
    try: 'Take a converter that can write such values (JsonConverter takes all), or correct the transformation that changes them.',
  }),
  hint('data', '112', 'A whole Avro file inside a record', {
    meaning: 'The record begins as a file of Avro ("Obj", 1): a container of many records with its schema, not one record.',
    see: 'The producer: it writes with a file writer of Avro.',
    try: 'Let the producer write single records through a schema registry, or take the records out of the file before they come to Kafka.',
  }),
  hint('data', '201', 'A transformation refuses a record', {
    meaning: 'A transformation cannot do its work with this record: a field is missing, or a value is not of the type that it works on.',
    see: '`where.transform` names the transformation and its place in `transforms`, the coordinates name the record. What it is given has passed all transformations before it.',
    try: 'Let a predicate keep such records away from the transformation, or set errors.tolerance=all to leave them out.',
  }),
  hint('data', '202', 'A transformation needs a map or a struct', {
    meaning: 'The transformation works on fields, but the value is text, bytes or a number: usually because the converter does not take the record apart.',
    see: 'The converter in force: StringConverter and ByteArrayConverter give values without fields.',
    try: 'Use a converter that gives fields (JsonConverter, with schemas.enable=false for plain JSON), or put a HoistField in front.',
  }),
  hint('data', '301', 'The destination refuses a record', {
    meaning: 'The sink handed a record to its destination, which does not take it: too long, of the wrong type, against a constraint.',
    see: '`causes` has the words of the destination.',
    try: "Correct the record's source or the destination's schema; errors.tolerance=all with errors.deadletterqueue.topic.name sets aside what the sink reports.",
  }),
  hint('data', '302', 'A record is too large', {
    meaning: 'A record is larger than the producer (`max.request.size`) or the topic (`max.message.bytes`) allows.',
    see: 'The message has both sizes. Compression helps against the limit of the topic, not against that of the producer.',
    try: 'Raise producer.override.max.request.size in the connector and max.message.bytes of the topic, or keep such records out.',
  }),
  hint('data', '303', 'Kafka refuses a record', {
    meaning: 'The broker does not accept a record: a timestamp that lies too far from now or below zero, or no key where the topic is compacted.',
    see: '`cleanup.policy` and `message.timestamp.*` of the topic.',
    try: 'Let a transformation give the record what the topic asks for (ValueToKey, TimestampConverter), or change the topic.',
  }),
  hint('data', '304', 'Bytes on the way were damaged', {
    meaning: 'The check sum of a batch of records is wrong: damaged on the disk of the broker, or on the way.',
    see: 'The log of the broker that leads the partition; whether another replica has the same fault.',
    try: "Restart the task. If it comes back at the same offset, the broker's data is damaged: move the leader to another replica.",
  }),
  hint('data', '305', 'Schemas that do not go together', {
    meaning: 'A value was written with one schema and is asked for in another that it does not fit: a field that lost its default, or a type that changed.',
    see: 'The versions of the schema, in the registry or in the records before and after `where.offset`.',
    try: 'Make the newer schema compatible (a default for each new field), or start a new topic for it.',
  }),
  hint('data', '401', 'More records fail than are tolerated', {
    meaning:
      'As many records failed as `millrace.errors.budget.records` or `millrace.errors.budget.per.minute` allows, and one more did. The task stops instead of filling the dead-letter topic. That last record is no dead letter: it is read again.',
    see: 'The newest dead letters and their headers; whether all fail for one reason, and since which deployment.',
    try: 'Mend what makes the records fail, then restart the task. Raise the budget only where so many are expected to.',
  }),
  hint('data', '402', 'The quarantine is full', {
    meaning:
      'With `millrace.errors.quarantine.enable` the keys of dead letters are kept, so that later records of them are held back. There are as many as `millrace.errors.quarantine.keys.max` allows, and one more record failed.',
    see: 'The topic of the quarantine (`millrace.errors.quarantine.topic.name`) lists the keys; the dead letters tell why.',
    try: 'Write the dead letters again once they are mended, and release their keys with tombstones; or raise millrace.errors.quarantine.keys.max.',
  }),
  hint('data', '403', 'Which record of a batch is at fault is not known', {
    meaning:
      'The sink refused a batch although `millrace.errors.put.tolerance=all`. It neither says which records it could not write, nor that it does no harm to put parts of the batch again, so it cannot be looked through.',
    see: 'The last of `causes` has the words of the sink.',
    try: 'Mend the record or the destination and restart the task, or ask the author of the sink for PartialPutError or SinkTask.delivery.',
  }),
  hint('data', '404', 'Too many records of one batch cannot be written', {
    meaning:
      'To find the records of a batch that the sink cannot write, `put` would have to be called more often than `millrace.errors.put.attempts.max` allows.',
    see: 'The newest dead letters: if nearly all records fail, the destination or the connector is at fault, not the records.',
    try: 'Mend what makes the records fail. If many are expected to, make batches smaller (consumer.override.max.poll.records) or raise the limit.',
  }),

  // ─── configuration: nothing helps but another setting ───
  hint('configuration', '001', 'A setting is missing or wrong', {
    meaning:
      'A property has a value that is not valid, or is missing. It was found only when the connector or task started, so its plugin does not check it earlier.',
    see: 'The message names the property. `PUT /connector-plugins/{plugin}/config/validate` tells all faults of a configuration at once.',
    try: 'Correct the property that the message names and put the configuration again: the tasks then start by themselves.',
  }),
  hint('configuration', '101', 'A plugin is not there', {
    meaning: 'No plugin answers to the name of a class in the configuration.',
    see: '`GET /connector-plugins?connectorsOnly=false` lists all plugins of the worker. In a cluster each worker has its own.',
    try: 'Correct the class name, or put the plugin into plugin.path of every worker and restart them.',
  }),
  hint('configuration', '102', 'A plugin is not there in this version', {
    meaning: 'The plugin exists, but not in a version that `…plugin.version` asks for; or its short name fits several.',
    see: '`GET /connector-plugins?connectorsOnly=false` lists plugins with their versions.',
    try: 'Ask for a version that is there, name the class in full, or install the version on every worker.',
  }),
  hint('configuration', '103', 'A plugin cannot be loaded', {
    meaning:
      'The module of a plugin could not be imported, or has not what its manifest promises: a damaged or half installed package, a dependency that is missing, another version of Node.',
    see: "`causes` has Node's words.",
    try: 'Install the plugin anew, with its dependencies, on every worker.',
  }),
  hint('configuration', '104', 'A reference cannot be resolved', {
    meaning:
      'A configuration provider could not give what `${provider:path:key}` asks for: the file is missing, may not be read, or lies outside of `allowed.paths`.',
    see: '`causes` names the file or folder. It has to be there on the worker that runs the task, so perhaps on all.',
    try: 'Put the file in its place with the right permissions, then restart connector and tasks.',
  }),
  hint('configuration', '201', 'The topic is not there', {
    meaning: 'A topic does not exist and nobody makes it, or its name is not valid.',
    see: '`kafka-topics.sh --list`; `auto.create.topics.enable` of the brokers; `topic.creation.*` of the connector.',
    try: 'Create the topic, correct its name, or let the source create it with topic.creation.default.partitions and .replication.factor.',
  }),
  hint('configuration', '202', 'A topic cannot be created', {
    meaning: 'Kafka refuses to create a topic: more replicas than brokers, a setting that is not valid, or a policy of the cluster.',
    see: 'The message has the words of the broker.',
    try: "Lower topic.creation.default.replication.factor, correct the topic's settings, or let an administrator create the topic.",
  }),
  hint('configuration', '203', 'The dead-letter topic cannot be made', {
    meaning: 'The topic that `errors.deadletterqueue.topic.name` names is not there and could not be created.',
    see: '`causes`. With fewer than three brokers the default replication factor of 3 is the usual reason.',
    try: 'Set errors.deadletterqueue.topic.replication.factor to at most the number of brokers, or create the topic by hand.',
  }),
  hint('configuration', '204', 'There is nothing at this offset', {
    meaning: 'The position from which a partition shall be read is gone or was never there, and `auto.offset.reset` is `none`.',
    see: '`GET /connectors/{name}/offsets`, beside the first and last offset of the partition. Retention may have removed what was not read in time.',
    try: 'Set consumer.override.auto.offset.reset to earliest or latest, or give new offsets with PATCH /connectors/{name}/offsets.',
  }),
  hint('configuration', '205', 'The sink has no topics', {
    meaning: 'A sink task has neither `topics` nor `topics.regex`.',
    see: 'The configuration of the connector.',
    try: 'Set topics or topics.regex.',
  }),
  hint('configuration', '301', 'A file or folder is not there', {
    meaning: 'A path in the configuration leads to nothing on the machine where the task runs. In a cluster that may be another one each time.',
    see: 'The message has the path. Relative paths count from the folder in which the worker was started; inside of a container only what was mounted is there.',
    try: 'Correct the path, or make the file or folder on every worker.',
  }),
  hint('configuration', '302', 'A folder where a file should be', {
    meaning: 'A path leads to a folder where a file is expected, or through a file where a folder is expected.',
    see: 'The message has the path.',
    try: 'Correct the path.',
  }),
  hint('configuration', '303', 'A file is shorter than what was read of it', {
    meaning: 'A source goes on at the position that it has committed, but the file ends before it: it was replaced, truncated or rotated.',
    see: 'The message has both numbers. `GET /connectors/{name}/offsets` shows the position.',
    try: 'If the file is another one, reset the offsets (stop the connector, then DELETE /connectors/{name}/offsets): it is then read from its beginning.',
  }),
  hint('configuration', '401', 'A setting of a Kafka client is wrong', {
    meaning: 'The producer, consumer or admin client refuses one of its settings.',
    see: '`docs/reference/client-keys.md` has each key with what it takes. Settings come from the worker (`producer.`, `consumer.`, `admin.`) and from the connector (`….override.`).',
    try: 'Correct the setting that the message names.',
  }),

  // ─── authentication: somebody has to give access ───
  hint('authentication', '101', 'Kafka refuses the credentials', {
    meaning:
      'The broker does not accept user and password, or the token. Tasks have clients of their own: what lets the worker in is not what lets its tasks in.',
    see: 'The security settings in force: source tasks use `producer.`, sink tasks `consumer.` of the worker, overridden by `producer.override.` and `consumer.override.` of the connector.',
    try: 'Correct sasl.jaas.config for the prefix that the task uses, or give the user back its access. A password that was changed is read again when the task restarts.',
  }),
  hint('authentication', '102', 'Client and broker do not agree how to log in', {
    meaning: "The broker's listener does not offer `sasl.mechanism`, or does not expect SASL at all.",
    see: 'The message names what the broker offers.',
    try: 'Set sasl.mechanism and security.protocol to what the listener of this port speaks.',
  }),
  hint('authentication', '103', 'TLS does not come about', {
    meaning: "One side does not accept the other's certificate, or they have no version or cipher of TLS in common.",
    see: "The message says which of them. `openssl s_client -connect host:port` shows the broker's certificate.",
    try: "Give the client the authority of the broker's certificate (ssl.truststore.location) and, where the broker asks for it, a certificate of its own (ssl.keystore.location).",
  }),
  hint('authentication', '201', 'Not allowed to use the topic', {
    meaning: 'The user is known but may not read, write, describe or create the topic.',
    see: '`kafka-acls.sh --list --topic …`. Sources write and describe, sinks read and describe; creating topics needs Create.',
    try: "Give the user of the connector's clients the right on the topic that the message names, then restart the task.",
  }),
  hint('authentication', '202', 'Not allowed to use the consumer group', {
    meaning: 'A sink reads as the group `connect-{name}`, for which the user has no right.',
    see: '`kafka-acls.sh --list --group connect-…`.',
    try: 'Allow Read on the group connect-{name of the connector}, or set consumer.override.group.id to one that is allowed.',
  }),
  hint('authentication', '203', 'Not allowed by the cluster', {
    meaning: 'The user may not do something that concerns the cluster or a transaction: create topics, write idempotently, use a transactional id.',
    see: '`kafka-acls.sh --list --cluster`.',
    try: 'Give the user IdempotentWrite or Create on the cluster, or the right on the transactional id that the message names.',
  }),
  hint('authentication', '301', 'The other system refuses the credentials', {
    meaning: 'The source or destination of the connector does not accept its user, password, key or token, or they do not allow what was asked.',
    see: '`causes` has the words of the other system.',
    try: 'Correct the credentials in the configuration or in the file that it refers to, then restart connector and tasks: references are read again.',
  }),
  hint('authentication', '401', 'The system does not permit access to a file', {
    meaning: 'The user that the worker runs as may not read, write or create the file or folder.',
    see: '`ls -l` of the path in the message, and of each folder above it. Services (systemd) may hide folders although permissions allow them.',
    try: 'Give the user of the worker access to the path that the message names, then restart the task.',
  }),

  // ─── resource: something is used up ───
  hint('resource', '101', 'A task needs too much memory', {
    meaning: 'The thread of the task held more than `millrace.task.memory.max.bytes`, so it was ended. Its neighbours began again elsewhere and lost nothing.',
    see: 'Size of batches and of single records; whether the memory of the worker grows steadily (a leak of the plugin) or jumps.',
    try: 'Make batches smaller (consumer.override.max.poll.records, batch settings of the source), or raise millrace.task.memory.max.bytes.',
  }),
  hint('resource', '102', 'A single value is too large to be handled', {
    meaning: 'A text or buffer was to be made that is larger than Node allows, or for which there was no memory.',
    see: "The record at `where`, if there is one; otherwise the plugin's settings for batches and parts.",
    try: "Keep such records out, or make the plugin's parts or batches smaller.",
  }),
  hint('resource', '103', 'Requests for files or names do not end', {
    meaning:
      'Requests of a task fill the pool of threads that the whole process shares for files, name look-ups and hashing, and do not end: a network file system that hangs, a pipe that nobody reads.',
    see: 'Paths of the connector that lie on NFS, SMB or FUSE, or are named pipes.',
    try: "Mend the file system, or move the connector's paths to a local one. UV_THREADPOOL_SIZE gives the pool more threads.",
  }),
  hint('resource', '201', 'The disk is full', {
    meaning: 'The file system has no room, or the quota of the user is used up. What was not written comes again after a restart.',
    see: '`df -h` and `df -i` for the path in the message.',
    try: 'Make room on the disk, then restart the task.',
  }),
  hint('resource', '202', 'Too many open files', {
    meaning: 'The process has as many files and connections open as it may.',
    see: "`ls /proc/{pid}/fd | wc -l` beside `ulimit -n` of the worker's user.",
    try: 'Raise the limit of open files (LimitNOFILE of the service) and restart the worker. If the number keeps growing, a plugin does not close what it opens.',
  }),
  hint('resource', '203', 'The disk cannot be written', {
    meaning: 'The file system is read-only, or the device reports an error.',
    see: '`dmesg` and `mount`: after an error a file system is often made read-only.',
    try: 'Mend or remount the file system, then restart the task.',
  }),
  hint('resource', '204', 'A broker is at its limit', {
    meaning: 'A broker reports a failing disk, a quota that is used up, or a group that is full.',
    see: 'The log of the broker that the message or `recent_events` name.',
    try: 'Relieve the broker or raise the quota, then restart the task.',
  }),

  // ─── bug: the code has to change ───
  hint('bug', '001', 'A plugin has a defect', {
    meaning: 'The code of a plugin did something that JavaScript does not allow, such as reading a field of nothing.',
    see: 'The stack in `trace` begins with the line of the plugin. `where` has the record, if one was in hand.',
    try: 'Report the trace to the author of the plugin, or go back to an earlier version. A record that triggers it each time can be set aside with errors.tolerance=all.',
  }),
  hint('bug', '002', 'An error that the plugin does not explain', {
    meaning: 'A plugin failed with an error of no kind that is known here. The words are its own.',
    see: '`causes` and the stack in `trace`; `recent_events` shows what the task did before.',
    try: 'Act on the message. If it says nothing to you, restart the task once and ask the author of the plugin if it comes back.',
  }),
  hint('bug', '003', 'The thread ended by itself', {
    meaning: 'Code of a plugin ended the thread, usually with `process.exit()`.',
    see: 'The stack in `trace`, where there is one; the last lines of the log before it.',
    try: 'Report it to the author of the plugin: a plugin throws an error instead.',
  }),
  hint('bug', '004', 'A plugin describes a schema wrongly', {
    meaning: 'A plugin has built a schema that contradicts itself: a field twice, a default that does not fit.',
    see: 'The stack in `trace` begins with the line of the plugin.',
    try: 'Report the trace to the author of the plugin.',
  }),
  hint('bug', '005', 'A plugin called at the wrong time', {
    meaning: 'A plugin asked the runtime for something that is not possible at that moment, such as to pause a partition that it does not have.',
    see: 'The stack in `trace` begins with the line of the plugin.',
    try: 'Report the trace to the author of the plugin.',
  }),
  hint('bug', '006', 'A connector makes more tasks than it may', {
    meaning: 'The connector was asked for at most `tasks.max` tasks and made more.',
    see: 'The message has both numbers.',
    try: 'Raise tasks.max to that number, or set tasks.max.enforce=false until the connector is corrected.',
  }),
  hint('bug', '101', 'A call does not return', {
    meaning:
      'A synchronous call of the plugin held its thread for `millrace.task.hang.timeout.ms`, so that nothing else could run there. The thread was ended, its neighbours began again elsewhere.',
    see: 'What the plugin does in one call: endless loops, regular expressions that explode, synchronous reading of large files, `Atomics.wait`.',
    try: 'Restart the task. If it comes back, report it to the author of the plugin; a call that is long on purpose needs a larger millrace.task.hang.timeout.ms.',
  }),
  hint('bug', '102', 'A native call does not return', {
    meaning: 'A call into native code blocks for good. Nothing can interrupt it: its thread was left behind and keeps its memory until the process ends.',
    see: '`GET /health` names what was left behind.',
    try: 'Restart the worker when it suits, and report it to the author of the plugin or of its native module.',
  }),
  hint('bug', '103', "Bytes that are not Kafka's protocol", {
    meaning:
      'What came back on a connection to Kafka is not what its protocol says: another kind of server on that port, TLS on one side only, or a defect in Millrace.',
    see: 'What listens on the address; a proxy in between.',
    try: 'Check address, port and security.protocol. If they are right, report it with the trace.',
  }),
  hint('bug', '104', 'Records are not accounted for', {
    meaning:
      'The records that the task has read are not the sum of those that were written, filtered, dead-lettered, skipped, given back and are under way. The task stops because `millrace.ledger.imbalance.action=fail`.',
    see: '`ledger` in the status of the task has all the numbers.',
    try: 'Report it with the numbers: it is a defect of Millrace. millrace.ledger.imbalance.action=log lets the task go on.',
  }),
]

const byId = new Map(hints.map((each) => [each.id, each]))

/** Null where there is none of this id. */
export function hintOf(id: string): Hint | null {
  return byId.get(id) ?? null
}
