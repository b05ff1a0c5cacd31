package dev.streamgrad.flink;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperatorFactory;

/** Makes the learning operator on a TaskManager, as {@link LearnFactory}, for a job with a stream of commands. */
final class ControlledFactory<T> extends AbstractStreamOperatorFactory<Scored<T>>
        implements TwoInputStreamOperatorFactory<T, ControlCommand, Scored<T>> {
    private static final long serialVersionUID = 1L;

    private final LearnOptions<T> options;
    private final TypeInformation<T> type;
    private final TypeSerializer<T> records;

    ControlledFactory(LearnOptions<T> options, TypeInformation<T> type, TypeSerializer<T> records) {
        this.options = options;
        this.type = type;
        this.records = records;
    }

    @Override
    @SuppressWarnings("unchecked")
    public <O extends StreamOperator<Scored<T>>> O createStreamOperator(StreamOperatorParameters<Scored<T>> parameters) {
        return (O) new ControlledLearner<>(parameters, options, type, records.duplicate());
    }

    @Override
    @SuppressWarnings("rawtypes")
    public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader loader) {
        return ControlledLearner.class;
    }
}
