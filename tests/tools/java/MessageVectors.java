import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;

/**
 * Prints, for each request and response in each version, a message with values drawn from Kafka's own schema, and its bytes; a JSON array, one message a line.
 * Standard input: a line for each request, "Name first last".
 */
public final class MessageVectors {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final String[] TEXTS = {"", "x", "orders", "member-1", "žluťoučký", "日本", "a".repeat(130)};
    private static final int[] INTS = {0, 7, -1, 5, 127, 300, 70000, Integer.MAX_VALUE, Integer.MIN_VALUE};
    private static final long[] LONGS = {0, 7, -1, -2, 1700000000000L, (1L << 53) - 1, -(1L << 53) + 1};

    private final Random random;

    private MessageVectors(long seed) {
        random = new Random(seed);
    }

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        List<String> lines = new ArrayList<>();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ");
            for (String side : new String[] {"request", "response"})
                for (short version = Short.parseShort(words[1]); version <= Short.parseShort(words[2]); version++)
                    lines.add(vector(words[0], side, version));
        }
        System.out.println("[\n" + String.join(",\n", lines) + "\n]");
    }

    private static String vector(String api, String side, short version) throws Exception {
        String name = "org.apache.kafka.common.message." + api + (side.equals("request") ? "Request" : "Response") + "Data";
        Schema[] schemas = (Schema[]) Class.forName(name).getField("SCHEMAS").get(null);
        JsonNode value = new MessageVectors((api + side + version).hashCode()).struct(schemas[version]);
        ApiMessage message = (ApiMessage) Class.forName(name + "JsonConverter").getMethod("read", JsonNode.class, short.class).invoke(null, value, version);
        ObjectNode vector = JSON.objectNode().put("api", api).put("side", side).put("version", version).put("bytes", bytes(message, version));
        vector.set("value", value);
        return new ObjectMapper().writeValueAsString(vector);
    }

    private static String bytes(ApiMessage message, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(buffer), cache, version);
        if (buffer.hasRemaining()) throw new IllegalStateException("shorter than it said");
        return HexFormat.of().formatHex(buffer.array());
    }

    private ObjectNode struct(Schema schema) {
        ObjectNode node = JSON.objectNode();
        for (BoundField field : schema.fields()) {
            if (field.def.type instanceof TaggedFields tagged) {
                for (Field each : tagged.fields().values()) if (random.nextInt(3) > 0) node.set(camelCase(each.name), value(each.type));
            } else {
                node.set(camelCase(field.def.name), value(field.def.type));
            }
        }
        return node;
    }

    private JsonNode value(Type type) {
        if (type.isNullable() && random.nextInt(4) == 0) return JSON.nullNode();
        if (type instanceof Schema schema) return struct(schema);
        if (type.arrayElementType().isPresent()) {
            ArrayNode array = JSON.arrayNode();
            for (int count = random.nextInt(5) == 0 ? 0 : 1 + random.nextInt(2); count > 0; count--) array.add(value(type.arrayElementType().get()));
            return array;
        }
        String name = type.toString();
        return switch (name) {
            case "BOOLEAN" -> JSON.booleanNode(random.nextBoolean());
            case "INT8" -> JSON.numberNode((byte) anInt());
            case "INT16" -> JSON.numberNode((short) anInt());
            case "UINT16" -> JSON.numberNode(anInt() & 0xffff);
            case "INT32" -> JSON.numberNode(anInt());
            case "UINT32" -> JSON.numberNode(anInt() & 0xffff_ffffL);
            case "INT64" -> JSON.numberNode(LONGS[random.nextInt(LONGS.length)]);
            case "FLOAT64" -> JSON.numberNode(random.nextInt(1000) / 8.0);
            case "UUID" -> JSON.textNode(uuid());
            case "STRING", "COMPACT_STRING", "NULLABLE_STRING", "COMPACT_NULLABLE_STRING" -> JSON.textNode(TEXTS[random.nextInt(TEXTS.length)]);
            case "BYTES", "COMPACT_BYTES", "NULLABLE_BYTES", "COMPACT_NULLABLE_BYTES" -> JSON.textNode(Base64.getEncoder().encodeToString(bytes()));
            // The client's JSON knows no records; those are in WireVectors.
            case "RECORDS", "COMPACT_RECORDS", "NULLABLE_RECORDS", "COMPACT_NULLABLE_RECORDS" -> JSON.nullNode();
            default -> throw new IllegalStateException("A field has the unknown type " + name + ".");
        };
    }

    private int anInt() {
        return INTS[random.nextInt(INTS.length)];
    }

    private byte[] bytes() {
        byte[] bytes = new byte[random.nextInt(6)];
        random.nextBytes(bytes);
        return bytes;
    }

    private String uuid() {
        return new Uuid(random.nextLong(), random.nextLong()).toString();
    }

    private static String camelCase(String snakeCase) {
        StringBuilder text = new StringBuilder();
        for (String word : snakeCase.split("_")) text.append(text.isEmpty() ? word : Character.toUpperCase(word.charAt(0)) + word.substring(1));
        return text.toString();
    }
}
