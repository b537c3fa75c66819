import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.clients.consumer.internals.AbstractPartitionAssignor;
import org.apache.kafka.common.TopicPartition;

/** Prints what the assignors of the Java client make of random groups, as JSON: one group a line. */
public class AssignorVectors {
    public static void main(String[] args) {
        Random random = new Random(20261121);
        List<String> lines = new ArrayList<>();
        for (int round = 0; round < 120; round++) lines.add(vector(random));
        System.out.println("[\n" + String.join(",\n", lines) + "\n]");
    }

    private static String vector(Random random) {
        Map<String, Integer> counts = new TreeMap<>();
        int topics = 1 + random.nextInt(5);
        for (int topic = 0; topic < topics; topic++) counts.put("topic-" + topic, random.nextInt(9));
        boolean isUniform = random.nextInt(3) == 0;
        List<String> members = new ArrayList<>();
        Map<String, Subscription> subscriptions = new TreeMap<>();
        int size = 1 + random.nextInt(6);
        for (int member = 0; member < size; member++) {
            String id = "member-" + random.nextInt(100_000);
            if (subscriptions.containsKey(id)) continue;
            List<String> names = new ArrayList<>();
            for (int topic = 0; topic < topics; topic++) if (isUniform || random.nextInt(3) > 0) names.add("topic-" + topic);
            if (random.nextInt(8) == 0) names.add("missing");
            Subscription subscription = new Subscription(names);
            String instance = random.nextInt(3) == 0 ? "instance-" + random.nextInt(1000) : null;
            subscription.setGroupInstanceId(Optional.ofNullable(instance));
            subscriptions.put(id, subscription);
            String quoted = instance == null ? "null" : "\"" + instance + "\"";
            members.add("{\"memberId\":\"" + id + "\",\"groupInstanceId\":" + quoted + ",\"topics\":" + strings(names) + "}");
        }
        // The assignors are told only of topics that exist.
        Map<String, Integer> existing = new TreeMap<>(counts);
        existing.values().removeIf(count -> count == 0);
        String countsText = existing.entrySet().stream().map(e -> "\"" + e.getKey() + "\":" + e.getValue()).collect(Collectors.joining(","));
        return "{\"partitionCounts\":{" + countsText + "},\"members\":[" + String.join(",", members) + "],\"range\":"
            + assigned(new RangeAssignor(), existing, subscriptions) + ",\"roundrobin\":" + assigned(new RoundRobinAssignor(), existing, subscriptions) + "}";
    }

    private static String assigned(AbstractPartitionAssignor assignor, Map<String, Integer> counts, Map<String, Subscription> subscriptions) {
        Map<String, List<TopicPartition>> result = new TreeMap<>(assignor.assign(counts, subscriptions));
        return "{" + result.entrySet().stream()
            .map(e -> "\"" + e.getKey() + "\":" + strings(e.getValue().stream().map(TopicPartition::toString).toList()))
            .collect(Collectors.joining(",")) + "}";
    }

    private static String strings(List<String> values) {
        return "[" + values.stream().map(value -> "\"" + value + "\"").collect(Collectors.joining(",")) + "]";
    }
}
