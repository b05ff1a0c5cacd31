package dev.streamgrad.flink;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/** Learns its one input: what comes out depends on the order of the records alone. Used by the task's thread. */
final class OrderedLearner<T> extends LearnOperator<T> implements OneInputStreamOperator<T, Scored<T>>, BoundedOneInput {
    private static final long serialVersionUID = 1L;

    OrderedLearner(
            StreamOperatorParameters<Scored<T>> parameters,
            LearnOptions<T> options,
            TypeInformation<T> type,
            TypeSerializer<T> records) {
        super(parameters, options, type, records);
    }

    @Override
    public void processElement(StreamRecord<T> element) throws Exception {
        take(element);
    }

    @Override
    public void endInput() throws Exception {
        recordsEnd();
    }
}
