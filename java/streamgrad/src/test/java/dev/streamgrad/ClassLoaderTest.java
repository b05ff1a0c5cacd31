package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a job server does: one class loader per job, many in one JVM, one after the other and beside each other. */
class ClassLoaderTest {
    private static final String MLP = Recording.folder().resolve("mlp-sgd").toString();

    private static URLClassLoader fresh() throws Exception {
        URL[] classes = {
            Child.classes(Trainer.class).toUri().toURL(), Child.classes(Session.class).toUri().toURL(),
        };
        return new URLClassLoader(classes, ClassLoader.getPlatformClassLoader());
    }

    private static void learn(ClassLoader loader) throws Exception {
        Class<?> session = loader.loadClass(Session.class.getName());
        assertNotSame(Session.class, session);
        String ended = (String) session.getMethod("run", String.class).invoke(null, MLP);
        assertTrue(ended.startsWith("learned 10 steps"), ended);
    }

    @Test
    void twoClassLoadersLearnInOneJvm() throws Exception {
        try (URLClassLoader one = fresh();
                URLClassLoader other = fresh()) {
            learn(one);
            learn(other);
            learn(one);
        }
    }

    @Test
    void aClassLoaderIsFreedAfterUse() throws Exception {
        List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
        for (int job = 0; job < 3; job++) {
            loaders.add(job());
        }
        long alive = loaders.size();
        for (int attempt = 0; attempt < 100 && alive > 0; attempt++) {
            System.gc();
            Thread.sleep(50);
            alive = loaders.stream().filter(loader -> loader.get() != null).count();
        }
        assertEquals(0, alive, "class loaders that something still holds");
    }

    /** One job, in a method of its own, so that no local variable holds its class loader. */
    private static WeakReference<ClassLoader> job() throws Exception {
        try (URLClassLoader loader = fresh()) {
            learn(loader);
            return new WeakReference<>(loader);
        }
    }
}
