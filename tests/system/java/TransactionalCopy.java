import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ProducerFencedException;

/**
 * Copies a topic record by record as a member of a group, each batch in a transaction with its offsets; every third transaction is aborted and done
 * again. Then prints the copy as a reader of committed records sees it. Arguments: bootstrap servers, number of records.
 */
public final class TransactionalCopy {
    private static String servers;

    public static void main(String[] args) {
        servers = args[0];
        int count = Integer.parseInt(args[1]);
        fill(count);
        copy(count);
        print(count);
        fence();
    }

    private static void fill(int count) {
        try (Producer<String, String> producer = producer("fill")) {
            producer.initTransactions();
            producer.beginTransaction();
            for (int i = 0; i < count; i++) producer.send(new ProducerRecord<>("input", 0, "key", "value " + i));
            producer.commitTransaction();
        }
    }

    private static void copy(int count) {
        TopicPartition input = new TopicPartition("input", 0);
        try (Consumer<String, String> consumer = consumer("copiers"); Producer<String, String> producer = producer("copy")) {
            producer.initTransactions();
            consumer.subscribe(List.of("input"));
            int copied = 0;
            int transactions = 0;
            while (copied < count) {
                ConsumerRecords<String, String> records = consumer.poll(Duration.ofSeconds(1));
                if (records.isEmpty()) continue;
                producer.beginTransaction();
                for (ConsumerRecord<String, String> record : records) producer.send(new ProducerRecord<>("output", 0, record.key(), record.value()));
                Map<TopicPartition, OffsetAndMetadata> offsets = Map.of(input, new OffsetAndMetadata(consumer.position(input)));
                producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
                if (transactions++ % 3 == 0) {
                    producer.flush();
                    producer.abortTransaction();
                    OffsetAndMetadata committed = consumer.committed(Set.of(input)).get(input);
                    consumer.seek(input, committed == null ? 0 : committed.offset());
                } else {
                    producer.commitTransaction();
                    copied += records.count();
                }
            }
            System.out.println("transactions " + transactions);
        }
    }

    private static void print(int count) {
        try (Consumer<String, String> consumer = consumer("readers")) {
            consumer.subscribe(List.of("output"));
            for (int read = 0; read < count; ) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(1))) {
                    System.out.println(record.value());
                    read++;
                }
            }
        }
    }

    private static void fence() {
        try (Producer<String, String> old = producer("same"); Producer<String, String> newer = producer("same")) {
            old.initTransactions();
            old.beginTransaction();
            old.send(new ProducerRecord<>("output", 0, "key", "zombie"));
            old.flush();
            newer.initTransactions();
            try {
                old.commitTransaction();
            } catch (ProducerFencedException e) {
                System.out.println("fenced");
            }
        }
    }

    private static Producer<String, String> producer(String transactionalId) {
        return new KafkaProducer<>(Map.of(
            "bootstrap.servers", servers,
            "transactional.id", transactionalId,
            "key.serializer", "org.apache.kafka.common.serialization.StringSerializer",
            "value.serializer", "org.apache.kafka.common.serialization.StringSerializer"));
    }

    private static Consumer<String, String> consumer(String group) {
        return new KafkaConsumer<>(Map.of(
            "bootstrap.servers", servers,
            "group.id", group,
            "isolation.level", "read_committed",
            "enable.auto.commit", "false",
            "auto.offset.reset", "earliest",
            "max.poll.records", "50",
            "key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer",
            "value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer"));
    }
}
