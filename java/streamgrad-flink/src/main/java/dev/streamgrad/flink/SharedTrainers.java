package dev.streamgrad.flink;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.apache.flink.api.common.JobID;

/**
 * The trainers that subtasks of one job share within one TaskManager, by name; the last to release one closes it.
 *
 * <p>Static, and so one registry per class loader. The job is part of the key, since a jar in Flink's {@code lib/} has
 * one class loader for all jobs. Safe for use by several threads.
 */
final class SharedTrainers {
    private static final Map<Key, Entry> OPEN = new HashMap<>();

    private SharedTrainers() {}

    static synchronized CheckpointedTrainer acquire(Key key, BundleSource bundle, Callable<CheckpointedTrainer> open)
            throws Exception {
        Entry entry = OPEN.get(key);
        if (entry == null) {
            entry = new Entry(bundle, open.call());
            OPEN.put(key, entry);
        } else if (!entry.bundle.equals(bundle)) {
            throw new IllegalArgumentException("share model: one name stands for one bundle, give another name or the same"
                    + " bundle: " + key.name + " is " + entry.bundle + ", not " + bundle);
        }
        entry.users++;
        return entry.learner;
    }

    static synchronized void release(Key key) {
        Entry entry = OPEN.get(key);
        if (--entry.users == 0) {
            OPEN.remove(key);
            entry.learner.trainer().close();
        }
    }

    /** How many are open, for tests. */
    static synchronized int size() {
        return OPEN.size();
    }

    static final class Key {
        private final JobID job;
        private final String name;

        Key(JobID job, String name) {
            this.job = job;
            this.name = name;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Key && job.equals(((Key) other).job) && name.equals(((Key) other).name);
        }

        @Override
        public int hashCode() {
            return Objects.hash(job, name);
        }
    }

    private static final class Entry {
        final BundleSource bundle;
        final CheckpointedTrainer learner;
        int users;

        Entry(BundleSource bundle, CheckpointedTrainer learner) {
            this.bundle = bundle;
            this.learner = learner;
        }
    }
}
