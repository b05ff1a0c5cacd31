package dev.streamgrad.flink;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.api.common.functions.MapFunction;

/** How many rows a job has learned so far, of which this test process can ask. */
final class Progress implements MapFunction<StepReport, StepReport> {
    private static final long serialVersionUID = 1L;
    private static final Map<String, Long> LEARNED = new ConcurrentHashMap<>();

    private final String job;

    Progress(String job) {
        this.job = job;
    }

    static long of(String job) {
        return LEARNED.getOrDefault(job, 0L);
    }

    @Override
    public StepReport map(StepReport report) {
        LEARNED.merge(job, (long) report.rows(), Long::sum);
        return report;
    }
}
