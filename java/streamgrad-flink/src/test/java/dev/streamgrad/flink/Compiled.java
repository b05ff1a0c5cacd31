package dev.streamgrad.flink;

import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/** Classes that need a newer Java than these sources are written in, compiled by the test. */
final class Compiled {
    private Compiled() {}

    static Class<?> load(String name, String source) throws IOException, ClassNotFoundException {
        Path folder = Files.createTempDirectory("compiled");
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        JavaFileObject file = new SimpleJavaFileObject(URI.create("string:///" + name + ".java"), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                return source;
            }
        };
        if (!compiler.getTask(null, null, null, List.of("-d", folder.toString()), null, List.of(file)).call()) {
            throw new IOException("cannot compile " + source);
        }
        return new URLClassLoader(new URL[] {folder.toUri().toURL()}).loadClass(name);
    }
}
