import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Kafka's own command-line tools one after the other in one virtual machine, whose start takes longer than most of them. Each line of the standard
 * input is a command: its parts (main class, arguments) divided by NUL, then its standard input, both in base64. Each is answered with a line: exit
 * code, standard output and standard error.
 */
public final class KafkaTools {
    private static final Base64.Encoder ENCODER = Base64.getEncoder();
    /** What tools leave for the end of the virtual machine, such as closing their clients. */
    private static final List<Runnable> hooks = new ArrayList<>();
    private static Integer exitCode;

    private static final class Ended extends Error {
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = System.out;
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        Exit.setExitProcedure((code, message) -> end(code));
        Exit.setShutdownHookAdder((name, hook) -> hooks.add(hook));
        Exit.setHaltProcedure((code, message) -> end(code));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] parts = line.split(" ", -1);
            answers.println(run(decoded(parts[0]).split("\0", -1), Base64.getDecoder().decode(parts[1])));
            answers.flush();
        }
        Runtime.getRuntime().halt(0);
    }

    private static void end(int code) {
        if (exitCode == null) exitCode = code;
        throw new Ended();
    }

    private static String run(String[] command, byte[] input) throws Exception {
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        exitCode = null;
        System.setIn(new ByteArrayInputStream(input));
        System.setOut(new PrintStream(output, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(errors, true, StandardCharsets.UTF_8));
        try {
            Class.forName(command[0]).getMethod("main", String[].class).invoke(null, (Object) Arrays.copyOfRange(command, 1, command.length));
        } catch (InvocationTargetException thrown) {
            if (!(thrown.getCause() instanceof Ended)) {
                thrown.getCause().printStackTrace();
                if (exitCode == null) exitCode = 1;
            }
        }
        for (Runnable hook : hooks) hook.run();
        hooks.clear();
        System.out.flush();
        System.err.flush();
        return (exitCode == null ? 0 : exitCode) + " " + ENCODER.encodeToString(output.toByteArray()) + " " + ENCODER.encodeToString(errors.toByteArray());
    }

    private static String decoded(String text) {
        return new String(Base64.getDecoder().decode(text), StandardCharsets.UTF_8);
    }
}
