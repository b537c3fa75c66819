import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Assignment;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.internals.ConsumerProtocol;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.utils.ByteUtils;
import org.apache.kafka.common.utils.Utils;

/** Prints numbers in Kafka's variable lengths, hashes of keys with the partition that they choose, and payloads of groups, all random; a JSON object. */
public final class PrimitiveVectors {
    private static final Random RANDOM = new Random(20261121);
    private static final ObjectNode RESULT = JsonNodeFactory.instance.objectNode();

    public static void main(String[] args) throws Exception {
        hashes();
        numbers();
        groupPayloads();
        ObjectMapper mapper = new ObjectMapper();
        List<String> lines = new ArrayList<>();
        for (var part : RESULT.properties()) lines.add("\"" + part.getKey() + "\":" + mapper.writeValueAsString(part.getValue()));
        System.out.println("{\n" + String.join(",\n", lines) + "\n}");
    }

    private static void hashes() {
        ArrayNode hashes = RESULT.putArray("murmur2");
        for (int i = 0; i < 300; i++) {
            byte[] key = new byte[i < 40 ? i : RANDOM.nextInt(60)];
            RANDOM.nextBytes(key);
            int partitions = 1 + RANDOM.nextInt(40);
            hashes.addArray().add(hex(ByteBuffer.wrap(key))).add(Utils.murmur2(key)).add(partitions).add(BuiltInPartitioner.partitionForKey(key, partitions));
        }
    }

    private static void numbers() {
        ArrayNode unsigned = RESULT.putArray("unsignedVarint");
        ArrayNode signed = RESULT.putArray("varint");
        ArrayNode longs = RESULT.putArray("varlong");
        for (int bits = 0; bits < 32; bits++) {
            for (int near = -1; near <= 1; near++) {
                int number = (1 << bits) + near;
                ByteBuffer buffer = ByteBuffer.allocate(10);
                ByteUtils.writeUnsignedVarint(number, buffer);
                unsigned.addArray().add(Integer.toUnsignedLong(number)).add(hex(buffer.flip()));
                buffer = ByteBuffer.allocate(10);
                ByteUtils.writeVarint(number, buffer);
                signed.addArray().add(number).add(hex(buffer.flip()));
            }
        }
        for (int bits = 0; bits < 53; bits++) {
            for (long near = -1; near <= 1; near++) {
                for (int sign = -1; sign <= 1; sign += 2) {
                    long number = sign * ((1L << bits) + near);
                    ByteBuffer buffer = ByteBuffer.allocate(10);
                    ByteUtils.writeVarlong(number, buffer);
                    longs.addArray().add(number).add(hex(buffer.flip()));
                }
            }
        }
    }

    private static void groupPayloads() {
        ArrayNode subscriptions = RESULT.putArray("subscriptions");
        ArrayNode assignments = RESULT.putArray("assignments");
        for (int i = 0; i < 60; i++) {
            short version = (short) (i % 4);
            List<String> topics = new ArrayList<>();
            for (int count = RANDOM.nextInt(4); count > 0; count--) topics.add(topic());
            List<TopicPartition> owned = partitions();
            byte[] userData = userData();
            int generation = RANDOM.nextInt(50) - 1;
            String rack = RANDOM.nextBoolean() ? null : "rack " + RANDOM.nextInt(3);
            Subscription subscription = new Subscription(topics, userData == null ? null : ByteBuffer.wrap(userData), owned, generation, Optional.ofNullable(rack));
            ObjectNode node = subscriptions.addObject().put("version", version).put("generationId", generation).put("rackId", rack);
            topics.forEach(node.putArray("topics")::add);
            put(node.putArray("ownedPartitions"), owned);
            node.put("userData", userData == null ? null : hex(ByteBuffer.wrap(userData)));
            node.put("bytes", hex(ConsumerProtocol.serializeSubscription(subscription, version)));

            List<TopicPartition> assigned = partitions();
            ObjectNode assignment = assignments.addObject().put("version", version).put("userData", userData == null ? null : hex(ByteBuffer.wrap(userData)));
            put(assignment.putArray("assignedPartitions"), assigned);
            Assignment value = new Assignment(assigned, userData == null ? null : ByteBuffer.wrap(userData));
            assignment.put("bytes", hex(ConsumerProtocol.serializeAssignment(value, version)));
        }
    }

    private static String topic() {
        return List.of("orders", "payments", "žluťoučký", "a", "Z", "ž", "_x").get(RANDOM.nextInt(7)) + RANDOM.nextInt(3);
    }

    private static List<TopicPartition> partitions() {
        List<TopicPartition> partitions = new ArrayList<>();
        for (int count = RANDOM.nextInt(7); count > 0; count--) {
            TopicPartition partition = new TopicPartition(topic(), RANDOM.nextInt(300));
            if (!partitions.contains(partition)) partitions.add(partition);
        }
        return partitions;
    }

    private static byte[] userData() {
        if (RANDOM.nextBoolean()) return null;
        byte[] bytes = new byte[RANDOM.nextInt(12)];
        RANDOM.nextBytes(bytes);
        return bytes;
    }

    private static void put(ArrayNode node, List<TopicPartition> partitions) {
        for (TopicPartition partition : partitions) node.addArray().add(partition.topic()).add(partition.partition());
    }

    private static String hex(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}
