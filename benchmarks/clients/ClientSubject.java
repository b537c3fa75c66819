import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.ByteBufferOutputStream;

/**
 * The Java client as one side of the benchmarks of clients: does what it is told over a connection to the runner, a line for each repetition.
 * The other side is millrace-subject.ts, line by line the same.
 */
public final class ClientSubject {
    private static final int VALUES = 1024;
    private static final int BLOCK_BYTES = 65536;

    private final JsonNode scenario;
    private final byte[][] values = new byte[VALUES][];
    private final byte[][] keys = new byte[VALUES][];
    private KafkaProducer<byte[], byte[]> producer;
    private KafkaConsumer<byte[], byte[]> consumer;

    public static void main(String[] args) throws Exception {
        ClientSubject subject = new ClientSubject(new ObjectMapper().readTree(args[1]));
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), Integer.parseInt(args[0]))) {
            OutputStream answers = socket.getOutputStream();
            BufferedReader commands = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            for (String line = commands.readLine(); line != null; line = commands.readLine()) {
                subject.obey(line.split(" "));
                answers.write("done\n".getBytes(StandardCharsets.UTF_8));
            }
        }
    }

    private ClientSubject(JsonNode scenario) throws IOException {
        this.scenario = scenario;
        int valueBytes = scenario.get("valueBytes").intValue();
        byte[] pool = Files.readAllBytes(Path.of(scenario.get("valuesFile").textValue()));
        for (int index = 0; index < VALUES; index++) {
            values[index] = new byte[valueBytes];
            System.arraycopy(pool, index * valueBytes, values[index], 0, valueBytes);
            keys[index] = String.format("key-%06d", index).getBytes(StandardCharsets.UTF_8);
        }
    }

    private void obey(String[] command) throws Exception {
        int records = Integer.parseInt(command[1]);
        switch (command[0]) {
            case "produce" -> produce(records);
            case "consume" -> consume(records);
            case "compress" -> compress(records);
            case "decompress" -> decompress(records);
            default -> throw new IllegalArgumentException(command[0]);
        }
    }

    private void produce(int records) {
        if (producer == null) producer = new KafkaProducer<>(properties(), new ByteArraySerializer(), new ByteArraySerializer());
        String topic = scenario.get("topic").textValue();
        boolean isRich = scenario.get("isRich").booleanValue();
        AtomicReference<Exception> failure = new AtomicReference<>();
        AtomicLong acknowledged = new AtomicLong();
        for (int index = 0; index < records; index++) {
            byte[] value = values[index % VALUES];
            if (!isRich) {
                producer.send(new ProducerRecord<>(topic, value));
                continue;
            }
            List<Header> headers = List.of(new RecordHeader("source", keys[index % 16]), new RecordHeader("trace-id", keys[index % VALUES]));
            int number = index;
            producer.send(new ProducerRecord<>(topic, null, null, keys[index % VALUES], value, headers), (metadata, exception) -> {
                if (exception == null) acknowledged.addAndGet(metadata.offset() >= 0 && number >= 0 ? 1 : 0);
                else failure.set(exception);
            });
        }
        producer.flush();
        if (failure.get() != null) throw new IllegalStateException(failure.get());
        if (isRich && acknowledged.get() != records) throw new IllegalStateException(acknowledged + " of " + records + " were acknowledged");
    }

    private void consume(int records) {
        String topic = scenario.get("topic").textValue();
        boolean isRich = scenario.get("isRich").booleanValue();
        if (consumer == null) {
            consumer = new KafkaConsumer<>(properties(), new ByteArrayDeserializer(), new ByteArrayDeserializer());
            List<TopicPartition> partitions = new ArrayList<>();
            for (int partition = 0; partition < scenario.get("partitions").intValue(); partition++) partitions.add(new TopicPartition(topic, partition));
            consumer.assign(partitions);
        }
        consumer.seekToBeginning(consumer.assignment());
        long seen = 0;
        long bytes = 0;
        while (seen < records) {
            ConsumerRecords<byte[], byte[]> polled = consumer.poll(Duration.ofSeconds(10));
            if (polled.isEmpty()) throw new IllegalStateException("No records came after " + seen);
            for (ConsumerRecord<byte[], byte[]> record : polled) {
                seen++;
                bytes += record.value().length;
                if (!isRich) continue;
                bytes += record.key().length;
                for (Header header : record.headers()) bytes += header.value().length;
            }
        }
        if (bytes < seen * values[0].length) throw new IllegalStateException("Too few bytes");
    }

    private void compress(int records) throws IOException {
        byte[] block = block();
        for (long left = (long) records * values[0].length; left > 0; left -= BLOCK_BYTES) compressed(block);
    }

    private ByteBuffer compressed(byte[] block) throws IOException {
        ByteBufferOutputStream buffer = new ByteBufferOutputStream(BLOCK_BYTES);
        try (OutputStream out = codec().wrapForOutput(buffer, RecordBatch.CURRENT_MAGIC_VALUE)) {
            out.write(block);
        }
        buffer.buffer().flip();
        return buffer.buffer();
    }

    private void decompress(int records) throws IOException {
        ByteBuffer block = compressed(block());
        byte[] out = new byte[BLOCK_BYTES];
        try (BufferSupplier supplier = BufferSupplier.create()) {
            for (long left = (long) records * values[0].length; left > 0; left -= BLOCK_BYTES) {
                try (InputStream in = codec().wrapForInput(block.duplicate(), RecordBatch.CURRENT_MAGIC_VALUE, supplier)) {
                    if (in.readNBytes(out, 0, BLOCK_BYTES) != BLOCK_BYTES) throw new IllegalStateException("Too few bytes");
                }
            }
        }
    }

    private Compression codec() {
        return Compression.of(scenario.get("codec").textValue()).build();
    }

    private byte[] block() {
        byte[] block = new byte[BLOCK_BYTES];
        for (int at = 0, index = 0; at < BLOCK_BYTES; at += values[0].length, index++) {
            System.arraycopy(values[index % VALUES], 0, block, at, Math.min(values[0].length, BLOCK_BYTES - at));
        }
        return block;
    }

    private Map<String, Object> properties() {
        Map<String, Object> properties = new HashMap<>();
        scenario.get("properties").fields().forEachRemaining(property -> properties.put(property.getKey(), property.getValue().textValue()));
        return properties;
    }
}
