package dev.streamgrad.flink;

import dev.streamgrad.StreamgradException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.streaming.api.operators.BoundedMultiInput;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;

/**
 * Learns its first input, and does what commands of the second say between two records. The time of the commands means
 * nothing: watermarks are those of the records. Used by the task's thread.
 */
final class ControlledLearner<T> extends LearnOperator<T>
        implements TwoInputStreamOperator<T, ControlCommand, Scored<T>>, BoundedMultiInput {
    private static final long serialVersionUID = 1L;

    ControlledLearner(
            StreamOperatorParameters<Scored<T>> parameters,
            LearnOptions<T> options,
            TypeInformation<T> type,
            TypeSerializer<T> records) {
        super(parameters, options, type, records);
    }

    @Override
    public void processElement1(StreamRecord<T> element) throws Exception {
        take(element);
    }

    @Override
    public void processElement2(StreamRecord<ControlCommand> element) throws Exception {
        replay();
        if (!learner().commandedBy(this)) {
            return; // another subtask with the same parameters gets it, too
        }
        ControlCommand command = element.getValue();
        ControlReply reply;
        try {
            reply = ControlReply.done(subtask(), command, command.run(learner()), learner().trainer().status());
        } catch (StreamgradException e) {
            LOG.warn("control command refused: {}", e.getMessage());
            reply = ControlReply.refused(subtask(), command, e.getMessage(), learner().trainer().status());
        }
        collect(Streamgrad.CONTROL_REPLIES, reply, PendingRow.NO_TIMESTAMP);
    }

    @Override
    public void processWatermark1(Watermark watermark) throws Exception {
        processWatermark(watermark);
    }

    @Override
    public void processWatermark2(Watermark watermark) {}

    /** No override in Flink 1.20, which has no way in here: there, idleness of the commands counts, too. */
    protected void processWatermarkStatus(WatermarkStatus status, int input) throws Exception {
        if (input == 0) {
            processWatermarkStatus(status);
        }
    }

    @Override
    public void endInput(int input) throws Exception {
        if (input == 1) {
            recordsEnd();
        }
    }
}
