import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.kafka.common.message.JoinGroupResponseData.JoinGroupResponseMember;
import org.apache.kafka.common.utils.LogContext;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.connect.runtime.distributed.ConnectProtocol;
import org.apache.kafka.connect.runtime.distributed.ConnectProtocolCompatibility;
import org.apache.kafka.connect.runtime.distributed.EagerAssignor;
import org.apache.kafka.connect.runtime.distributed.IncrementalCooperativeAssignor;
import org.apache.kafka.connect.runtime.distributed.WorkerCoordinator;
import org.apache.kafka.connect.runtime.distributed.WorkerCoordinator.ConnectorsAndTasks;
import org.apache.kafka.connect.storage.ClusterConfigState;
import org.apache.kafka.connect.util.ConnectorTaskId;

/**
 * Prints what the assignors of Kafka Connect make of random groups of workers that live through random changes.
 * `packages/runtime/src/herder/distributed/assignor-vectors.test.ts` reads it and says how a line is built.
 *
 * Members are named by single letters from `a` on, which Java's hash sets keep in the order of the alphabet: its results depend on that order in places.
 */
public class WorkAssignorVectors {
    private static final int SCENARIOS = 150;
    private static final int ROUNDS = 12;
    private static final int EAGER = 60;
    private static final int[] DELAYS = {300_000, 300_000, 300_000, 60_000, 1_000, 50, 1, 0};
    private static final Random random = new Random(415);

    public static void main(String[] args) throws Exception {
        System.setProperty("log4j2.level", "OFF");
        StringBuilder printed = new StringBuilder();
        for (int i = 0; i < SCENARIOS; i++) new Scenario(DELAYS[random.nextInt(DELAYS.length)]).run(printed);
        for (int i = 0; i < EAGER; i++) eager(printed);
        System.out.print(printed);
    }

    /** A clock that stands still. */
    private static class Clock implements Time {
        long now = 1_000;

        public long milliseconds() {
            return now;
        }

        public long nanoseconds() {
            return now * 1_000_000;
        }

        public void sleep(long ms) {
            now += ms;
        }

        public void waitObject(Object object, Supplier<Boolean> condition, long deadlineMs) {
            throw new UnsupportedOperationException();
        }
    }

    private static class Scenario {
        final Clock clock = new Clock();
        final int delayMax;
        final IncrementalCooperativeAssignor assignor;
        final Map<String, Integer> connectors = new TreeMap<>();
        final Map<String, Held> members = new TreeMap<>();
        int completed = -1;
        int generation = 0;
        int delay = 0;
        int named = 0;
        Held gone = new Held();

        Scenario(int delayMax) {
            this.delayMax = delayMax;
            this.assignor = new IncrementalCooperativeAssignor(new LogContext(), clock, delayMax);
            for (int i = random.nextInt(4); i >= 0; i--) addMember();
            for (int i = random.nextInt(5); i >= 0; i--) change();
        }

        void run(StringBuilder printed) throws Exception {
            printed.append("scenario ").append(delayMax).append('\n');
            for (int round = 0; round < ROUNDS; round++) {
                for (int i = random.nextInt(3); i > 0; i--) happen();
                round(printed);
            }
        }

        void addMember() {
            if (members.size() < 7 && named < 15) members.put(String.valueOf((char) ('a' + named++)), new Held());
        }

        /** A connector is created, changed or deleted. */
        void change() {
            String name = String.valueOf((char) ('p' + random.nextInt(8)));
            if (random.nextInt(5) == 0) connectors.remove(name);
            else connectors.put(name, random.nextInt(5));
        }

        void happen() {
            List<String> ids = new ArrayList<>(members.keySet());
            String any = ids.get(random.nextInt(ids.size()));
            switch (random.nextInt(11)) {
                case 0, 1, 2 -> addMember();
                case 3, 4 -> {
                    if (members.size() > 1) gone = members.remove(any);
                }
                // One that was gone comes back, and still has what it had; others may have been given it.
                case 10 -> {
                    if (members.size() < 7 && named < 15) members.put(String.valueOf((char) ('a' + named++)), gone);
                    gone = new Held();
                }
                // Restarted: it comes back with nothing, under another id.
                case 5 -> {
                    if (members.size() > 1 && named < 15) members.remove(any);
                    addMember();
                }
                // It has dropped all that it had.
                case 6 -> members.put(any, new Held());
                default -> change();
            }
            switch (random.nextInt(4)) {
                case 0 -> clock.now += random.nextInt(100);
                case 1 -> clock.now += delay;
                case 2 -> clock.now += random.nextInt(delayMax + 1);
                default -> { }
            }
        }

        void round(StringBuilder printed) throws Exception {
            generation++;
            Map<String, ConnectorsAndTasks> reported = new TreeMap<>();
            members.forEach((id, held) -> reported.put(id, held.report()));
            printed.append(clock.now).append(' ').append(completed).append(' ').append(generation).append(' ').append(configuredText()).append(' ').append(membersText());
            Object result = assign(reported);
            delay = (int) field(assignor, "delay");
            printed.append(' ').append(delay).append(' ').append(resultText(result)).append('\n');
            // Now and then an assignment does not arrive, at one member or, the leader included, at all.
            int luck = random.nextInt(12);
            if (luck == 0) return;
            completed = generation;
            String unlucky = luck == 1 ? new ArrayList<>(members.keySet()).get(random.nextInt(members.size())) : "";
            for (Map.Entry<String, Held> member : members.entrySet())
                if (!member.getKey().equals(unlucky)) member.getValue().receive(member.getKey(), result);
        }

        Object assign(Map<String, ConnectorsAndTasks> reported) throws Exception {
            Method method = IncrementalCooperativeAssignor.class.getDeclaredMethod("performTaskAssignment", ClusterConfigState.class, int.class, int.class, Map.class);
            method.setAccessible(true);
            return method.invoke(assignor, configState(connectors), completed, generation, reported);
        }

        String configuredText() {
            return connectors.isEmpty() ? "-" : connectors.entrySet().stream().map(e -> e.getKey() + e.getValue()).collect(Collectors.joining(","));
        }

        String membersText() {
            return members.entrySet().stream().map(e -> e.getKey() + "=" + text(e.getValue().connectors, e.getValue().tasks)).collect(Collectors.joining(";"));
        }

        String resultText(Object result) {
            return members.keySet().stream()
                .map(id -> id + "+" + sorted(of(result, "newlyAssignedConnectors", id), of(result, "newlyAssignedTasks", id))
                    + "-" + sorted(of(result, "newlyRevokedConnectors", id), of(result, "newlyRevokedTasks", id)))
                .collect(Collectors.joining(";"));
        }
    }

    /** What a member has; received as `WorkerCoordinator` does. */
    private static class Held {
        Set<String> connectors = new LinkedHashSet<>();
        Set<ConnectorTaskId> tasks = new LinkedHashSet<>();

        ConnectorsAndTasks report() {
            return new ConnectorsAndTasks.Builder().with(connectors, tasks).build();
        }

        void receive(String id, Object result) {
            connectors = merged(connectors, of(result, "newlyRevokedConnectors", id), of(result, "newlyAssignedConnectors", id));
            tasks = merged(tasks, of(result, "newlyRevokedTasks", id), of(result, "newlyAssignedTasks", id));
        }

        private static <T> Set<T> merged(Set<T> held, Collection<T> revoked, Collection<T> added) {
            Set<T> all = new LinkedHashSet<>(added);
            held.stream().filter(piece -> !revoked.contains(piece)).forEach(all::add);
            return all;
        }
    }

    private static void eager(StringBuilder printed) throws Exception {
        Map<String, Integer> connectors = new TreeMap<>();
        for (int i = random.nextInt(6); i > 0; i--) connectors.put(String.valueOf((char) ('p' + random.nextInt(8))), random.nextInt(12));
        List<JoinGroupResponseMember> members = new ArrayList<>();
        for (int i = random.nextInt(5); i >= 0; i--)
            members.add(new JoinGroupResponseMember()
                .setMemberId(String.valueOf((char) ('a' + i)))
                .setMetadata(ConnectProtocol.serializeMetadata(new ConnectProtocol.WorkerState("http://" + i + "/", 5)).array()));
        Field unsafeField = sun.misc.Unsafe.class.getDeclaredField("theUnsafe");
        unsafeField.setAccessible(true);
        // A coordinator connects to Kafka when it is made; here it only carries the configurations.
        WorkerCoordinator coordinator = (WorkerCoordinator) ((sun.misc.Unsafe) unsafeField.get(null)).allocateInstance(WorkerCoordinator.class);
        coordinator.configSnapshot(configState(connectors));
        Map<String, ByteBuffer> result = new TreeMap<>(new EagerAssignor(new LogContext()).performAssignment("a", ConnectProtocolCompatibility.EAGER, members, coordinator));
        printed.append("eager ").append(connectors.isEmpty() ? "-" : connectors.entrySet().stream().map(e -> e.getKey() + e.getValue()).collect(Collectors.joining(",")));
        List<String> shares = new ArrayList<>();
        for (Map.Entry<String, ByteBuffer> share : result.entrySet()) {
            ConnectProtocol.Assignment assignment = ConnectProtocol.deserializeAssignment(share.getValue());
            shares.add(share.getKey() + "=" + text(assignment.connectors(), assignment.tasks()));
        }
        printed.append(' ').append(String.join(";", shares)).append('\n');
    }

    private static ClusterConfigState configState(Map<String, Integer> connectors) throws Exception {
        Map<String, Map<String, String>> configs = connectors.keySet().stream().collect(Collectors.toMap(name -> name, name -> Map.of()));
        Constructor<?> shortest = null;
        for (Constructor<?> each : ClusterConfigState.class.getConstructors())
            if (shortest == null || each.getParameterCount() < shortest.getParameterCount()) shortest = each;
        List<Object> arguments = new ArrayList<>(List.of(5L));
        arguments.add(null);
        arguments.add(new HashMap<>(connectors));
        arguments.add(configs);
        for (Class<?> type : List.of(shortest.getParameterTypes()).subList(4, shortest.getParameterCount()))
            arguments.add(type == Set.class ? new HashSet<>() : type == Map.class ? new HashMap<>() : null);
        return (ClusterConfigState) shortest.newInstance(arguments.toArray());
    }

    @SuppressWarnings("unchecked")
    private static <T> Collection<T> of(Object result, String kind, String member) {
        try {
            Method method = result.getClass().getDeclaredMethod(kind, String.class);
            method.setAccessible(true);
            return (Collection<T>) method.invoke(result, member);
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException(error);
        }
    }

    private static Object field(Object of, String name) throws Exception {
        Field field = of.getClass().getDeclaredField(name);
        field.setAccessible(true);
        return field.get(of);
    }

    private static String sorted(Collection<String> connectors, Collection<ConnectorTaskId> tasks) {
        return text(new TreeSet<>(connectors), new TreeSet<>(tasks));
    }

    private static String text(Collection<String> connectors, Collection<ConnectorTaskId> tasks) {
        return String.join("", connectors) + "/" + tasks.stream().map(id -> id.connector() + id.task()).collect(Collectors.joining());
    }
}
