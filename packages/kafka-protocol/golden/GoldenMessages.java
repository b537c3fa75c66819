import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HexFormat;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.MessageUtil;

/** Reads lines of `{api, side, version, value}` and writes each value as the Java client does: one line of hexadecimal digits for each. */
public class GoldenMessages {
  public static void main(String[] arguments) throws Exception {
    ObjectMapper mapper = new ObjectMapper();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonNode wanted = mapper.readTree(line);
      short version = (short) wanted.get("version").asInt();
      String name = wanted.get("api").asText() + (wanted.get("side").asText().equals("request") ? "Request" : "Response");
      Class<?> converter = Class.forName("org.apache.kafka.common.message." + name + "DataJsonConverter");
      ApiMessage message = (ApiMessage) converter.getMethod("read", JsonNode.class, short.class).invoke(null, wanted.get("value"), version);
      System.out.println(HexFormat.of().formatHex(bytesOf(message, version)));
    }
  }

  private static byte[] bytesOf(ApiMessage message, short version) {
    var buffer = MessageUtil.toByteBufferAccessor(message, version).buffer();
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }
}
