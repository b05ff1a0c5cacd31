package dev.streamgrad.examples.wine;

import dev.streamgrad.flink.PredictMap;
import dev.streamgrad.flink.Scored;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * A Flink job that predicts by a model trained offline, and takes the next one while it runs: the bundles in the subfolders
 * 1, 2, ... of a folder are followed.
 *
 * <p>{@code WineJob wine.csv models records}, or {@code make wine}.
 */
public final class WineJob {
    private static final int PER_SECOND = 25;

    private WineJob() {}

    /** The wines of the file, over and over. */
    static DataStream<Wine> wines(StreamExecutionEnvironment env, Path file, long records, double perSecond) throws Exception {
        TypeInformation<Wine> type = TypeInformation.of(Wine.class);
        ArrayList<Wine> wines = new ArrayList<>(Wine.read(file));
        DataGeneratorSource<Wine> source = new DataGeneratorSource<>(
                index -> wines.get((int) (index % wines.size())), records, RateLimiterStrategy.perSecond(perSecond), type);
        return env.fromSource(source, WatermarkStrategy.noWatermarks(), "wines").uid("wines");
    }

    /** The job: {@link PredictMap} is a {@code RichMapFunction}; how good it is goes to the side. */
    static SingleOutputStreamOperator<Scored<Wine>> judged(DataStream<Wine> wines, String models, Duration every) {
        SingleOutputStreamOperator<Scored<Wine>> predicted = wines.map(PredictMap.numbered(models, wines.getType()).every(every))
                .name("predict")
                .uid("predict");
        return predicted.process(new Judge())
                .returns(predicted.getType())
                .setParallelism(1)
                .name("judge")
                .uid("judge");
    }

    /**
     * Runs it.
     *
     * @param arguments the file of the wines, the folder of the bundles, the number of records
     * @throws Exception what went wrong
     */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 3) {
            System.err.println("usage: WineJob wine.csv folder-of-bundles records");
            System.exit(2);
        }
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.setParallelism(1);
        DataStream<Wine> wines = wines(env, Path.of(arguments[0]), Long.parseLong(arguments[2]), PER_SECOND);
        SingleOutputStreamOperator<Scored<Wine>> judged = judged(wines, arguments[1], Duration.ofMillis(200));
        judged.getSideOutput(Judge.WRONG).print();
        judged.getSideOutput(Judge.ACCURACY).print();
        env.execute("wine");
    }
}
