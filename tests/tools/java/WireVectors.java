import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Assignment;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.internals.ConsumerProtocol;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.ApiVersionsRequestData;
import org.apache.kafka.common.message.ApiVersionsResponseData;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.message.HeartbeatRequestData;
import org.apache.kafka.common.message.HeartbeatResponseData;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.requests.RequestUtils;

/** Prints bytes of batches, frames, produce requests, fetch responses and payloads of groups, each under the name by which a test asks for it. */
public final class WireVectors {
    private static final long T = 1700000000000L;
    private static final Map<String, String> VECTORS = new LinkedHashMap<>();

    public static void main(String[] args) throws Exception {
        batches();
        frames();
        MemoryRecords records = MemoryRecords.withRecords(Compression.NONE, new SimpleRecord(T, utf8("k"), utf8("v")));
        Uuid id = Uuid.fromString("AAECAwQFBgcICQoLDA0ODw");
        for (short version = 3; version <= 13; version++) produceRequest(version, records, id);
        for (short version = 4; version <= 17; version++) fetchResponse(version, records, id);
        for (short version = 0; version <= 3; version++) groupPayloads(version);
        System.out.println(new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(VECTORS));
    }

    private static void batches() {
        batch("one", b -> b.append(T, utf8("key"), utf8("value")));
        batch("nulls", b -> {
            b.append(1L, (byte[]) null, (byte[]) null);
            b.append(1L, utf8(""), utf8(""));
            b.append(1L, utf8("k"), (byte[]) null);
        });
        batch("headers", Compression.NONE, TimestampType.CREATE_TIME, 5, -1, -1, -1, false, 3, b -> {
            b.append(T, utf8("žluťoučký"), utf8("日本語 😀"), headers("a", "1", "a", null, "ž", ""));
            b.append(T + 1, null, utf8("x"), headers("", "y"));
        });
        batch("timestamps", b -> {
            long[] times = {T, T - 1, T + 64, T + (1 << 27), T + (1 << 30), T + (1 << 30) - 1, T - (1 << 30), T - (1 << 30) - 1, (1L << 53) - 1, 0};
            for (int i = 0; i < times.length; i++) b.append(times[i], null, utf8(String.valueOf(i)));
        });
        batch("idempotent", Compression.NONE, TimestampType.CREATE_TIME, 0, 4611686018L, 7, 2147483600, false, -1, b -> {
            for (int i = 0; i < 3; i++) b.append(T, null, utf8("v" + i));
        });
        batch("transactional", Compression.NONE, TimestampType.CREATE_TIME, 0, (1L << 53) - 1, 0, 0, true, -1, b -> b.append(T, null, utf8("v")));
        batch("logAppendTime", Compression.NONE, TimestampType.LOG_APPEND_TIME, 100, -1, -1, -1, false, 0, b -> {
            b.append(T, null, utf8("v"));
            b.append(T + 9, null, utf8("w"));
        });
        Consumer<MemoryRecordsBuilder> five = b -> {
            for (int i = 0; i < 5; i++) b.append(T + i, utf8("k" + i), utf8("value value value"));
        };
        batch("gzip", Compression.gzip().build(), TimestampType.CREATE_TIME, 0, -1, -1, -1, false, -1, five);
        batch("zstd", Compression.zstd().build(), TimestampType.CREATE_TIME, 0, -1, -1, -1, false, -1, five);
        // Around the lengths where one more byte is needed for a length.
        for (int n : new int[] {61, 62, 63, 64, 65}) batch("ascii" + n, b -> b.append(1L, null, utf8("x".repeat(n))));
        for (int n : new int[] {21, 30, 31, 32, 42, 63, 64}) batch("kanji" + n, b -> b.append(1L, null, utf8("語".repeat(n))));
        put("marker", MemoryRecords.withEndTransactionMarker(42L, T, 0, 12L, (short) 3, new EndTransactionMarker(ControlRecordType.COMMIT, 5)).buffer());
    }

    private static void frames() {
        ApiVersionsRequestData versions = new ApiVersionsRequestData().setClientSoftwareName("millrace").setClientSoftwareVersion("0.1.0");
        for (short version : new short[] {0, 3, 4}) request(ApiKeys.API_VERSIONS, version, "client", 77, versions);
        HeartbeatRequestData heartbeat = new HeartbeatRequestData().setGroupId("g").setGenerationId(3).setMemberId("m");
        for (short version : new short[] {0, 4}) request(ApiKeys.HEARTBEAT, version, "", 1, heartbeat);
        for (short version : new short[] {0, 4}) response(ApiKeys.HEARTBEAT, version, new HeartbeatResponseData().setErrorCode((short) 27));
        for (short version : new short[] {0, 4}) response(ApiKeys.API_VERSIONS, version, new ApiVersionsResponseData());
    }

    private static void request(ApiKeys api, short version, String clientId, int correlationId, ApiMessage body) {
        RequestHeader header = new RequestHeader(api, version, clientId, correlationId);
        put("request." + api.name + "." + version, RequestUtils.serialize(header.data(), api.requestHeaderVersion(version), body, version));
    }

    private static void response(ApiKeys api, short version, ApiMessage body) {
        ResponseHeaderData header = new ResponseHeaderData().setCorrelationId(9);
        put("response." + api.name + "." + version, RequestUtils.serialize(header, api.responseHeaderVersion(version), body, version));
    }

    private static void produceRequest(short version, MemoryRecords records, Uuid id) {
        ProduceRequestData.TopicProduceData topic = new ProduceRequestData.TopicProduceData().setPartitionData(List.of(
            new ProduceRequestData.PartitionProduceData().setIndex(2).setRecords(records),
            new ProduceRequestData.PartitionProduceData().setIndex(5).setRecords(records)));
        if (version >= 13) topic.setTopicId(id);
        else topic.setName("orders");
        ProduceRequestData body = new ProduceRequestData().setAcks((short) -1).setTimeoutMs(30000).setTransactionalId(version % 2 == 0 ? "tx" : null);
        body.topicData().add(topic);
        RequestHeader header = new RequestHeader(ApiKeys.PRODUCE, version, "c", 8);
        put("produce." + version, RequestUtils.serialize(header.data(), ApiKeys.PRODUCE.requestHeaderVersion(version), body, version));
    }

    private static void fetchResponse(short version, MemoryRecords records, Uuid id) {
        FetchResponseData.PartitionData good = new FetchResponseData.PartitionData().setPartitionIndex(2).setHighWatermark(10).setLastStableOffset(9)
            .setLogStartOffset(version >= 5 ? 1 : -1).setRecords(records)
            .setAbortedTransactions(List.of(new FetchResponseData.AbortedTransaction().setProducerId(12).setFirstOffset(4)));
        if (version >= 11) good.setPreferredReadReplica(3);
        FetchResponseData.PartitionData failed = new FetchResponseData.PartitionData().setPartitionIndex(5).setErrorCode((short) 6).setHighWatermark(-1)
            .setAbortedTransactions(null).setRecords(MemoryRecords.EMPTY);
        if (version >= 12) {
            failed.setCurrentLeader(new FetchResponseData.LeaderIdAndEpoch().setLeaderId(1).setLeaderEpoch(7));
            failed.setDivergingEpoch(new FetchResponseData.EpochEndOffset().setEpoch(2).setEndOffset(33));
        }
        FetchResponseData.FetchableTopicResponse topic = new FetchResponseData.FetchableTopicResponse().setPartitions(List.of(good, failed));
        if (version >= 13) topic.setTopicId(id);
        else topic.setTopic("orders");
        FetchResponseData body = new FetchResponseData().setThrottleTimeMs(1);
        if (version >= 7) body.setSessionId(6);
        body.responses().add(topic);
        if (version >= 16) body.nodeEndpoints().add(new FetchResponseData.NodeEndpoint().setNodeId(1).setHost("localhost").setPort(9092));
        ResponseHeaderData header = new ResponseHeaderData().setCorrelationId(8);
        put("fetch." + version, RequestUtils.serialize(header, ApiKeys.FETCH.responseHeaderVersion(version), body, version));
    }

    private static void groupPayloads(short version) {
        List<TopicPartition> owned = List.of(new TopicPartition("b", 1), new TopicPartition("a", 0), new TopicPartition("b", 0));
        Subscription full = new Subscription(List.of("b", "a"), ByteBuffer.wrap(utf8("ud")), owned, 4, Optional.of("r"));
        put("subscription." + version, ConsumerProtocol.serializeSubscription(full, version));
        put("subscription.min." + version, ConsumerProtocol.serializeSubscription(new Subscription(List.of("a")), version));
        List<TopicPartition> assigned = List.of(new TopicPartition("a", 0), new TopicPartition("a", 1), new TopicPartition("b", 3));
        put("assignment." + version, ConsumerProtocol.serializeAssignment(new Assignment(assigned, null), version));
    }

    private static void batch(String name, Consumer<MemoryRecordsBuilder> fill) {
        batch(name, Compression.NONE, TimestampType.CREATE_TIME, 0, -1, -1, -1, false, -1, fill);
    }

    private static void batch(String name, Compression compression, TimestampType type, long baseOffset, long producerId, int producerEpoch, int sequence,
            boolean isTransactional, int leaderEpoch, Consumer<MemoryRecordsBuilder> fill) {
        long appendTime = type == TimestampType.LOG_APPEND_TIME ? T + 123 : -1;
        MemoryRecordsBuilder builder = new MemoryRecordsBuilder(ByteBuffer.allocate(1 << 16), (byte) 2, compression, type, baseOffset, appendTime, producerId,
            (short) producerEpoch, sequence, isTransactional, false, leaderEpoch, 1 << 16);
        fill.accept(builder);
        put(name, builder.build().buffer());
    }

    private static Header[] headers(String... keysAndValues) {
        Header[] headers = new Header[keysAndValues.length / 2];
        for (int i = 0; i < headers.length; i++) headers[i] = new RecordHeader(keysAndValues[2 * i], utf8(keysAndValues[2 * i + 1]));
        return headers;
    }

    private static byte[] utf8(String text) {
        return text == null ? null : text.getBytes(UTF_8);
    }

    private static void put(String name, ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        VECTORS.put(name, HexFormat.of().formatHex(bytes));
    }
}
