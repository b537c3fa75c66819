import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Prints the keys of the Java clients and, after each has worked a little with the broker that the argument names, their metrics; a line for each, with tabs between
 * its parts. `tests/reference/client-names.servers.test.ts` compares them with ours.
 */
public class ClientNames {
    public static void main(String[] args) throws Exception {
        System.setProperty("log4j2.level", "OFF");
        printKeys("producer", ProducerConfig.configDef());
        printKeys("consumer", ConsumerConfig.configDef());
        printKeys("admin", AdminClientConfig.configDef());

        Map<String, Object> properties = new HashMap<>();
        properties.put("bootstrap.servers", args[0]);
        properties.put("transactional.id", "names");
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer())) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>("names", "value")).get();
            producer.commitTransaction();
            printMetrics(producer.metrics().keySet());
        }
        properties.remove("transactional.id");
        properties.put("group.id", "names");
        properties.put("auto.offset.reset", "earliest");
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of("names"));
            while (consumer.poll(Duration.ofMillis(200)).isEmpty()) continue;
            consumer.commitSync();
            printMetrics(consumer.metrics().keySet());
        }
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", args[0]))) {
            admin.listTopics().names().get();
            printMetrics(admin.metrics().keySet());
        }
    }

    private static void printKeys(String client, ConfigDef definition) {
        for (ConfigDef.ConfigKey key : definition.configKeys().values()) {
            boolean isRequired = key.defaultValue == ConfigDef.NO_DEFAULT_VALUE;
            String fallback = isRequired ? "required" : key.defaultValue == null ? "none" : "=" + ConfigDef.convertToString(key.defaultValue, key.type);
            System.out.println(String.join("\t", "key", client, key.name, key.type.toString(), fallback));
        }
    }

    private static void printMetrics(Iterable<MetricName> names) {
        for (MetricName name : names) {
            List<String> tags = new ArrayList<>(new TreeSet<>(name.tags().keySet()));
            tags.remove("client-id");
            System.out.println(String.join("\t", "metric", name.group(), name.name(), String.join(",", tags)));
        }
    }
}
