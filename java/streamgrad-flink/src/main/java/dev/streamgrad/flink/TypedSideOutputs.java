package dev.streamgrad.flink;

import java.util.Map;
import org.apache.flink.streaming.api.datastream.SideOutputDataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.types.Row;
import org.apache.flink.util.OutputTag;

/**
 * A stream whose side outputs have static tags, while what flows in them holds a record of the stream's own type: it
 * hands out each with the record's serializer, so that it never falls to Kryo. Used by one thread, which builds the job.
 */
final class TypedSideOutputs<T> extends SingleOutputStreamOperator<T> {
    private final Map<String, OutputTag<?>> tags;

    TypedSideOutputs(SingleOutputStreamOperator<T> stream, Map<String, OutputTag<?>> tags) {
        super(stream.getExecutionEnvironment(), stream.getTransformation());
        this.tags = tags;
    }

    /** The rows of a stream, with its side outputs. */
    static <T> SingleOutputStreamOperator<Row> rows(
            SingleOutputStreamOperator<Scored<T>> scored, RowMap<T> rows, String uid) {
        SingleOutputStreamOperator<Row> mapped = scored.map(rows).name("rows").setParallelism(scored.getParallelism());
        if (uid != null) {
            mapped.uid(uid + "-rows");
        }
        return new SingleOutputStreamOperator<>(mapped.getExecutionEnvironment(), mapped.getTransformation()) {
            @Override
            public <X> SideOutputDataStream<X> getSideOutput(OutputTag<X> tag) {
                return scored.getSideOutput(tag);
            }
        };
    }

    @Override
    @SuppressWarnings("unchecked")
    public <X> SideOutputDataStream<X> getSideOutput(OutputTag<X> tag) {
        return super.getSideOutput((OutputTag<X>) tags.getOrDefault(tag.getId(), tag));
    }
}
