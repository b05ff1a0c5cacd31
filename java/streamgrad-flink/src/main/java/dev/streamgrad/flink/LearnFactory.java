package dev.streamgrad.flink;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;

/**
 * Makes the learning operator on a TaskManager. With a factory, one source serves Flink 1.20 and 2.x: they construct a
 * bare operator in different ways and chain it differently.
 */
final class LearnFactory<T> extends AbstractStreamOperatorFactory<Scored<T>>
        implements OneInputStreamOperatorFactory<T, Scored<T>> {
    private static final long serialVersionUID = 1L;

    private final LearnOptions<T> options;
    private final TypeInformation<T> type;
    private final TypeSerializer<T> records;

    LearnFactory(LearnOptions<T> options, TypeInformation<T> type, TypeSerializer<T> records) {
        this.options = options;
        this.type = type;
        this.records = records;
    }

    @Override
    @SuppressWarnings("unchecked")
    public <O extends StreamOperator<Scored<T>>> O createStreamOperator(StreamOperatorParameters<Scored<T>> parameters) {
        return (O) new OrderedLearner<>(parameters, options, type, records.duplicate());
    }

    @Override
    @SuppressWarnings("rawtypes")
    public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader loader) {
        return OrderedLearner.class;
    }
}
