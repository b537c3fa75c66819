import java.util.TreeSet;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/**
 * Prints the attributes of all MBeans of the domains that begin with `kafka.` in the JVM whose JMX port on loopback is the argument: name of the MBean, its
 * attribute, and whether its value is a number or text, with tabs between them. `tests/compat/metrics-suite.ts` compares them with ours.
 */
public class JmxAttributes {
    public static void main(String[] args) throws Exception {
        JMXServiceURL url = new JMXServiceURL("service:jmx:rmi:///jndi/rmi://127.0.0.1:" + args[0] + "/jmxrmi");
        TreeSet<String> lines = new TreeSet<>();
        try (JMXConnector connector = JMXConnectorFactory.connect(url)) {
            MBeanServerConnection connection = connector.getMBeanServerConnection();
            for (ObjectName name : connection.queryNames(new ObjectName("kafka.*:*"), null)) {
                for (MBeanAttributeInfo attribute : connection.getMBeanInfo(name).getAttributes()) {
                    Object value = connection.getAttribute(name, attribute.getName());
                    lines.add(String.join("\t", name.toString(), attribute.getName(), value instanceof Number ? "number" : "text"));
                }
            }
        }
        lines.forEach(System.out::println);
    }
}
