import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;

/** Prints random record batches of every codec, and what the Java client reads in them; a JSON array, one batch a line. */
public final class RecordBatchVectors {
    private static final long T = 1700000000000L;
    private static final Map<String, Compression> CODECS = new TreeMap<>(Map.of(
        "none", Compression.NONE, "gzip", Compression.gzip().build(), "snappy", Compression.snappy().build(),
        "lz4", Compression.lz4().build(), "zstd", Compression.zstd().build()));

    private final Random random;

    private RecordBatchVectors(long seed) {
        random = new Random(seed);
    }

    public static void main(String[] args) throws Exception {
        List<String> lines = new ArrayList<>();
        for (int seed = 0; seed < 40; seed++) lines.add(vector(new RecordBatchVectors(seed).batch(Compression.NONE)));
        for (String codec : CODECS.keySet()) {
            if (codec.equals("none")) continue;
            for (int seed = 100; seed < 110; seed++) lines.add(vector(new RecordBatchVectors(seed).batch(CODECS.get(codec))));
            lines.add(vector(new RecordBatchVectors(1).largeBatch(CODECS.get(codec))));
        }
        for (ControlRecordType type : new ControlRecordType[] {ControlRecordType.COMMIT, ControlRecordType.ABORT})
            lines.add(vector(MemoryRecords.withEndTransactionMarker(1L << 40, T, 4, 77L, (short) 9, new EndTransactionMarker(type, 5))));
        System.out.println("[\n" + String.join(",\n", lines) + "\n]");
    }

    private MemoryRecords batch(Compression compression) {
        boolean hasAppendTime = random.nextInt(4) == 0;
        boolean hasProducer = random.nextBoolean();
        MemoryRecordsBuilder builder = new MemoryRecordsBuilder(ByteBuffer.allocate(1 << 12), (byte) 2, compression,
            hasAppendTime ? TimestampType.LOG_APPEND_TIME : TimestampType.CREATE_TIME, random.nextInt(3) == 0 ? 0 : random.nextLong(1L << 50),
            hasAppendTime ? T + random.nextInt(1000) : -1, hasProducer ? random.nextLong(1L << 53) : -1, (short) (hasProducer ? random.nextInt(1 << 15) : -1),
            hasProducer ? random.nextInt(Integer.MAX_VALUE) : -1, hasProducer && random.nextBoolean(), false, random.nextInt(5) - 1, 1 << 12);
        for (int count = 1 + random.nextInt(6); count > 0; count--) builder.append(time(), data(), data(), headers());
        return builder.build();
    }

    /** More than one block of each codec's stream; it can be compressed well, so that it can be stored. */
    private MemoryRecords largeBatch(Compression compression) {
        MemoryRecordsBuilder builder = MemoryRecords.builder(ByteBuffer.allocate(1 << 18), compression, TimestampType.CREATE_TIME, 7);
        for (int i = 0; i < 40; i++) builder.append(T + i, ("key " + i).getBytes(UTF_8), "all work and no play ".repeat(250 + i).getBytes(UTF_8));
        return builder.build();
    }

    private long time() {
        return switch (random.nextInt(6)) {
            case 0 -> 0;
            case 1 -> -1L;
            case 2 -> random.nextLong(1L << 53);
            default -> T + random.nextInt(100_000) - 50_000;
        };
    }

    private byte[] data() {
        return switch (random.nextInt(6)) {
            case 0 -> null;
            case 1 -> new byte[0];
            case 2 -> bytes(random.nextInt(10));
            case 3 -> bytes(random.nextInt(200));
            default -> ("text " + "日本".repeat(random.nextInt(30))).getBytes(UTF_8);
        };
    }

    private byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private Header[] headers() {
        Header[] headers = new Header[random.nextInt(3) == 0 ? random.nextInt(4) : 0];
        for (int i = 0; i < headers.length; i++) headers[i] = new RecordHeader("header ž ".repeat(random.nextInt(9)) + i, data());
        return headers;
    }

    /** What the Java client reads in the batch. Data beyond 400 bytes are told by their length. */
    private static String vector(MemoryRecords records) throws Exception {
        RecordBatch batch = records.batches().iterator().next();
        ObjectNode vector = JsonNodeFactory.instance.objectNode();
        vector.put("codec", batch.compressionType().name).put("timestampType", batch.timestampType().name).put("baseOffset", batch.baseOffset())
            .put("lastOffset", batch.lastOffset()).put("maxTimestamp", batch.maxTimestamp()).put("producerId", batch.producerId())
            .put("producerEpoch", batch.producerEpoch()).put("baseSequence", batch.baseSequence()).put("isTransactional", batch.isTransactional())
            .put("isControl", batch.isControlBatch()).put("partitionLeaderEpoch", batch.partitionLeaderEpoch());
        ArrayNode list = vector.putArray("records");
        for (Record record : batch) {
            ObjectNode node = list.addObject().put("offset", record.offset()).put("timestamp", record.timestamp()).put("key", text(record.key()))
                .put("value", text(record.value()));
            ArrayNode headers = node.putArray("headers");
            for (Header header : record.headers()) headers.addArray().add(header.key()).add(text(header.value() == null ? null : ByteBuffer.wrap(header.value())));
        }
        return new ObjectMapper().writeValueAsString(vector.put("bytes", base64(records.buffer())));
    }

    private static String text(ByteBuffer data) {
        if (data == null) return null;
        return data.remaining() > 400 ? data.remaining() + " bytes" : base64(data);
    }

    private static String base64(ByteBuffer data) {
        byte[] bytes = new byte[data.remaining()];
        data.duplicate().get(bytes);
        return Base64.getEncoder().encodeToString(bytes);
    }
}
