package dev.streamgrad;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A JVM of its own, for what happens once per process. */
final class Child {
    /** Not an option of java: what to add to the class path. */
    static final String CLASS_PATH = "class-path=";

    final int exit;
    final String output;

    private Child(int exit, String output) {
        this.exit = exit;
        this.output = output;
    }

    /** Runs {@link Session} with these options, environment (null removes) and arguments. */
    static Child run(List<String> options, Map<String, String> environment, Object... arguments) throws Exception {
        return run(List.of(), options, environment, arguments);
    }

    /** The same, started by a command that takes it as its last arguments. */
    static Child run(
            List<String> starter, List<String> options, Map<String, String> environment, Object... arguments)
            throws Exception {
        List<String> command = new ArrayList<>(starter);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.add("-cp");
        String more = options.stream().filter(o -> o.startsWith(CLASS_PATH)).findFirst().orElse(CLASS_PATH);
        command.remove(more);
        command.add(classes(Trainer.class) + ":" + classes(Child.class) + ":" + more.substring(CLASS_PATH.length()));
        command.add(Session.class.getName());
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        environment.forEach((name, value) -> {
            if (value == null) {
                builder.environment().remove(name);
            } else {
                builder.environment().put(name, value);
            }
        });
        Process process = builder.start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Child(process.waitFor(), output);
    }

    /** The folder or jar that a class came from. */
    static Path classes(Class<?> of) {
        return Path.of(java.net.URI.create(of.getProtectionDomain().getCodeSource().getLocation().toString()));
    }

    /** The last line that the session printed. */
    String last() {
        String[] lines = output.strip().split("\\R");
        return lines[lines.length - 1];
    }
}
