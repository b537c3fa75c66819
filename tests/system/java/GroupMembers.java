import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Java consumers in groups. Arguments: bootstrap servers, topic. Lines of the standard input: `start NAME GROUP ASSIGNORS` and `stop NAME`; with its end all stop.
 * Prints what they are told: `NAME assigned 0,1`, `NAME revoked 1`, `NAME lost 0`, and `NAME stopped`.
 */
public class GroupMembers {
    public static void main(String[] args) throws Exception {
        System.setProperty("log4j2.level", "OFF");
        Map<String, Member> members = new HashMap<>();
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] command = line.split(" ");
            if (command[0].equals("start")) {
                Member member = new Member(command[1], args[0], args[1], command[2], command[3]);
                members.put(command[1], member);
                member.start();
            } else members.remove(command[1]).isStopped = true;
        }
        Runtime.getRuntime().halt(0);
    }

    private static class Member extends Thread implements ConsumerRebalanceListener {
        final String name;
        final String topic;
        final Map<String, Object> properties;
        volatile boolean isStopped;

        Member(String name, String bootstrap, String topic, String group, String assignors) {
            this.name = name;
            this.topic = topic;
            properties = Map.of("bootstrap.servers", bootstrap, "group.id", group, "partition.assignment.strategy", assignors, "heartbeat.interval.ms", "100");
        }

        @Override
        public void run() {
            try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
                consumer.subscribe(List.of(topic), this);
                while (!isStopped) consumer.poll(Duration.ofMillis(50));
            }
            print("stopped");
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            print("assigned " + text(partitions));
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            print("revoked " + text(partitions));
        }

        @Override
        public void onPartitionsLost(Collection<TopicPartition> partitions) {
            print("lost " + text(partitions));
        }

        private String text(Collection<TopicPartition> partitions) {
            return partitions.stream().map(partition -> "" + partition.partition()).sorted().collect(Collectors.joining(","));
        }

        private void print(String event) {
            synchronized (System.out) {
                System.out.println(name + " " + event);
                System.out.flush();
            }
        }
    }
}
