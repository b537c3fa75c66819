import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Assignment;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.clients.consumer.StickyAssignor;
import org.apache.kafka.clients.consumer.internals.AbstractPartitionAssignor;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

/**
 * Prints what the assignors of the Java client make of random groups. `packages/kafka/src/consumer/assignors.test.ts` reads it and says how a line is built.
 *
 * Groups that Java cannot handle are left out: where it throws, gives a member what it does not subscribe to, or gives a partition to two members, and where it finds no end.
 */
public class AssignorVectors {
    private static final int LINES = 3200;
    private static final char[] RACKS = {'A', 'B', 'C'};
    private static final Random random = new Random(20261121);

    private record Member(String id, int topics, String instance, Character rack, Claim claim) {
        Member claiming(Claim other) {
            return new Member(id, topics, instance, rack, other);
        }
    }

    /** What a member held. Generation -1: it does not say since when. */
    private record Claim(int generation, boolean isOld, List<TopicPartition> partitions) {
        static final Claim NONE = new Claim(-1, false, List.of());
    }

    public static void main(String[] args) {
        System.setProperty("log4j2.level", "OFF");
        StringBuilder printed = new StringBuilder();
        for (int lines = 0; lines < LINES; ) {
            Group group = new Group();
            for (int round = 0; round < 4 && lines < LINES; round++) {
                String line = group.round();
                if (line == null) break;
                printed.append(line).append('\n');
                lines++;
            }
        }
        System.out.print(printed);
        System.out.flush();
        // A thread may still run without end.
        Runtime.getRuntime().halt(0);
    }

    private static class Group {
        final List<Integer> counts = new ArrayList<>();
        /** By partition, in order: the racks of its replicas as bits. Null without racks. */
        final Map<TopicPartition, Integer> racks = random.nextInt(4) == 0 ? new HashMap<>() : null;
        final boolean isUniform = random.nextInt(2) == 0;
        final boolean isLarge = random.nextInt(30) == 0;
        List<Member> members = new ArrayList<>();
        int generation = random.nextInt(5);

        Group() {
            int topics = 1 + random.nextInt(4);
            for (int topic = 0; topic < topics; topic++) counts.add(random.nextInt(isLarge ? 20 : 7));
            int size = isLarge ? 12 + random.nextInt(24) : 1 + random.nextInt(5);
            for (int member = 0; member < size; member++) join();
        }

        void join() {
            String id = Integer.toString(random.nextInt(36 * 36), 36);
            if (members.stream().anyMatch(member -> member.id.equals(id))) return;
            String instance = random.nextInt(5) == 0 ? "" + random.nextInt(10) : null;
            if (members.stream().anyMatch(member -> instance != null && instance.equals(member.instance))) return;
            Character rack = racks != null && random.nextInt(4) > 0 ? RACKS[random.nextInt(RACKS.length)] : null;
            members.add(new Member(id, subscribed(), instance, rack, Claim.NONE));
        }

        int subscribed() {
            int all = (1 << counts.size()) - 1;
            return isUniform ? all : 1 + random.nextInt(all);
        }

        /** One line, after which the members hold what they were given and something has changed; null if Java cannot handle it. */
        String round() {
            List<TopicPartition> all = partitions();
            if (all.isEmpty()) return null;
            if (racks != null) for (TopicPartition partition : all) racks.computeIfAbsent(partition, p -> 1 + random.nextInt(7));
            StringBuilder line = new StringBuilder();
            for (int count : counts) line.append(Integer.toString(count, 36));
            if (racks != null) {
                line.append(':');
                for (TopicPartition partition : all) line.append(racks.get(partition));
            }
            for (Member member : members) line.append(' ').append(written(member, all));
            line.append(" =");
            Map<String, List<TopicPartition>> next = null;
            for (AbstractPartitionAssignor assignor : List.of(new RangeAssignor(), new RoundRobinAssignor(), new StickyAssignor(), new CooperativeStickyAssignor())) {
                Map<String, List<TopicPartition>> result;
                result = assign(assignor);
                if (result == null || !isSound(result)) return null;
                line.append(' ').append(owners(result, all));
                if (next == null || random.nextInt(3) > 0) next = result;
            }
            change(next);
            return line.toString();
        }

        /** Null if it fails or finds no end. */
        Map<String, List<TopicPartition>> assign(AbstractPartitionAssignor assignor) {
            CompletableFuture<Map<String, List<TopicPartition>>> result = new CompletableFuture<>();
            Thread thread = new Thread(() -> {
                try {
                    result.complete(assignor.assignPartitions(infos(), subscriptions(assignor)));
                } catch (RuntimeException error) {
                    result.complete(null);
                }
            });
            thread.setDaemon(true);
            thread.start();
            try {
                return result.get(3, TimeUnit.SECONDS);
            } catch (Exception error) {
                return null;
            }
        }

        void change(Map<String, List<TopicPartition>> given) {
            generation++;
            List<Member> after = new ArrayList<>();
            for (Member member : members) {
                int chance = random.nextInt(12);
                if (chance == 0) continue;
                List<TopicPartition> held = given.get(member.id);
                // Some have missed a round, and some claim what others hold, too.
                if (chance == 1) held = null;
                if (chance == 2) held = random.nextInt(2) == 0 ? some() : union(held, some());
                int since = chance == 2 ? generation - random.nextInt(3) : chance == 3 ? -1 : generation;
                int topics = !isUniform && chance == 4 ? subscribed() : member.topics;
                Member same = new Member(member.id, topics, member.instance, member.rack, member.claim);
                after.add(held == null ? same : same.claiming(new Claim(Math.max(-1, since), chance == 5, held)));
            }
            members = after;
            Collections.shuffle(members, random);
            for (int joining = random.nextInt(3); joining > 0 || members.isEmpty(); joining--) join();
            if (random.nextInt(4) == 0) {
                int topic = random.nextInt(counts.size());
                counts.set(topic, counts.get(topic) + 1 + random.nextInt(3));
            }
        }

        List<TopicPartition> some() {
            List<TopicPartition> all = partitions();
            Collections.shuffle(all, random);
            return all.subList(0, random.nextInt(all.size() + 1) / 2);
        }

        List<TopicPartition> union(List<TopicPartition> a, List<TopicPartition> b) {
            List<TopicPartition> both = new ArrayList<>(a);
            for (TopicPartition partition : b) if (!both.contains(partition)) both.add(partition);
            return both;
        }

        List<TopicPartition> partitions() {
            List<TopicPartition> all = new ArrayList<>();
            for (int topic = 0; topic < counts.size(); topic++)
                for (int partition = 0; partition < counts.get(topic); partition++) all.add(new TopicPartition("t" + topic, partition));
            return all;
        }

        /** As `AbstractPartitionAssignor.assign` makes it: topics that exist and somebody subscribes to. */
        Map<String, List<PartitionInfo>> infos() {
            Map<String, List<PartitionInfo>> infos = new HashMap<>();
            for (TopicPartition partition : partitions()) {
                int topic = Integer.parseInt(partition.topic().substring(1));
                if (members.stream().noneMatch(member -> (member.topics >> topic & 1) == 1)) continue;
                List<Node> replicas = new ArrayList<>();
                for (int rack = 0; rack < RACKS.length; rack++)
                    if (racks != null && (racks.get(partition) >> rack & 1) == 1) replicas.add(new Node(rack, "localhost", 9092, "" + RACKS[rack]));
                if (racks == null) replicas.add(new Node(0, "localhost", 9092));
                Node[] nodes = replicas.toArray(new Node[0]);
                infos.computeIfAbsent(partition.topic(), name -> new ArrayList<>())
                    .add(new PartitionInfo(partition.topic(), partition.partition(), nodes[0], nodes, nodes));
            }
            return infos;
        }

        Map<String, Subscription> subscriptions(AbstractPartitionAssignor assignor) {
            Map<String, Subscription> subscriptions = new HashMap<>();
            for (Member member : members) {
                List<String> topics = new ArrayList<>();
                for (int topic = 0; topic < counts.size(); topic++) if ((member.topics >> topic & 1) == 1) topics.add("t" + topic);
                boolean isSticky = assignor instanceof StickyAssignor;
                List<TopicPartition> owned = isSticky ? List.of() : member.claim.partitions;
                int since = member.claim.isOld ? -1 : member.claim.generation;
                Optional<String> rack = Optional.ofNullable(member.rack).map(String::valueOf);
                ByteBuffer userData = isSticky ? stickyUserData(member) : assignor instanceof CooperativeStickyAssignor ? cooperativeUserData(member) : null;
                Subscription subscription = new Subscription(topics, userData, owned, since, rack);
                subscription.setGroupInstanceId(Optional.ofNullable(member.instance).map(instance -> "instance-" + instance));
                subscriptions.put(name(member), subscription);
            }
            return subscriptions;
        }

        ByteBuffer stickyUserData(Member member) {
            Claim claim = member.claim;
            if (claim.generation < 0 && claim.partitions.isEmpty()) return null;
            StickyAssignor own = new StickyAssignor();
            own.onAssignment(new Assignment(claim.partitions), metadata(claim));
            ByteBuffer data = own.subscriptionUserData(Collections.emptySet());
            // Before KIP-341 there was no generation.
            return claim.generation < 0 ? data.limit(data.limit() - 4) : data;
        }

        ByteBuffer cooperativeUserData(Member member) {
            Claim claim = member.claim;
            if (claim.generation < 0) return null;
            CooperativeStickyAssignor own = new CooperativeStickyAssignor();
            own.onAssignment(new Assignment(claim.partitions), metadata(claim));
            return own.subscriptionUserData(Collections.emptySet());
        }

        @SuppressWarnings("removal")
        ConsumerGroupMetadata metadata(Claim claim) {
            return new ConsumerGroupMetadata("group", claim.generation, "", Optional.empty());
        }

        String written(Member member, List<TopicPartition> all) {
            Claim claim = member.claim;
            StringBuilder text = new StringBuilder(member.id).append('.').append(Integer.toHexString(member.topics));
            if (claim.generation >= 0 || !claim.partitions.isEmpty()) {
                text.append('.').append(claim.generation < 0 ? "" : Integer.toString(claim.generation)).append(claim.isOld && claim.generation >= 0 ? "o" : "").append('.');
                StringBuilder held = new StringBuilder();
                for (int from = 0; from < all.size(); from += 4) {
                    int bits = 0;
                    for (int i = from; i < Math.min(all.size(), from + 4); i++) if (claim.partitions.contains(all.get(i))) bits |= 1 << i - from;
                    held.append(Integer.toHexString(bits));
                }
                text.append(held.toString().replaceAll("0+$", ""));
            }
            if (member.instance != null) text.append('@').append(member.instance);
            if (member.rack != null) text.append('^').append(member.rack);
            return text.toString();
        }

        String owners(Map<String, List<TopicPartition>> result, List<TopicPartition> all) {
            StringBuilder text = new StringBuilder();
            for (TopicPartition partition : all) {
                char owner = '.';
                for (int i = 0; i < members.size(); i++) if (result.get(name(members.get(i))).contains(partition)) owner = Character.forDigit(i, 36);
                text.append(owner);
            }
            // The next round speaks of members by their ids.
            for (Member member : members) result.put(member.id, result.remove(name(member)));
            return text.toString();
        }

        boolean isSound(Map<String, List<TopicPartition>> result) {
            List<TopicPartition> seen = new ArrayList<>();
            for (Member member : members)
                for (TopicPartition partition : result.get(name(member))) {
                    if (seen.contains(partition)) return false;
                    if ((member.topics >> Integer.parseInt(partition.topic().substring(1)) & 1) == 0) return false;
                    seen.add(partition);
                }
            return true;
        }

        static String name(Member member) {
            return "consumer-" + member.id;
        }
    }
}
