package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.streamgrad.VersionId;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Of what may not be null, the error says what is; nothing here runs a job. */
final class StreamgradTest {
    private static final DataStream<Long> STREAM =
            StreamExecutionEnvironment.getExecutionEnvironment().fromData(1L);
    private static final String ANY = "any";

    private static void assertNames(String argument, Executable call) {
        assertEquals(argument, assertThrows(NullPointerException.class, call).getMessage());
    }

    @Test
    void theStartOfAJobNamesWhatIsNull() {
        KeySelector<Long, Long> key = value -> value;
        assertNames("stream", () -> Streamgrad.learn(null, ANY));
        assertNames("bundle", () -> Streamgrad.learn(STREAM, (String) null));
        assertNames("bundle", () -> Streamgrad.learn(STREAM, (BundleSource) null));
        assertNames("stream", () -> Streamgrad.predict(null, ANY));
        assertNames("bundle", () -> Streamgrad.predict(STREAM, null));
        assertNames("stream", () -> Streamgrad.predictNumbered(null, ANY));
        assertNames("folder", () -> Streamgrad.predictNumbered(STREAM, null));
        assertNames("bundle", () -> new PredictMap<>(null, STREAM.getType()));
        assertNames("bundle", () -> new TrainMap<>(null, STREAM.getType()));
        assertNames("records", () -> Streamgrad.awaitLabels(null, key));
        assertNames("labels", () -> Streamgrad.awaitLabels(STREAM, key, null, key));
        assertNames("labelKey", () -> Streamgrad.awaitLabels(STREAM, key, STREAM, null));
    }

    @Test
    void optionsNameWhatIsNull() {
        Learning<Long> learning = Streamgrad.learn(STREAM, ANY);
        assertNames("fields", () -> learning.fields(null));
        assertNames("path", () -> learning.folder(null));
        assertNames("maxDelay", () -> learning.maxDelay(null));
        Predicting<Long> predicting = Streamgrad.predict(STREAM, ANY);
        assertNames("fields", () -> predicting.fields(null));
        assertNames("folder", () -> predicting.follow(null));
        assertNames("every", () -> predicting.every(null));
        assertNames("names", () -> Fields.positions((String[]) null));
        assertNames("name", () -> Fields.positions("hour", null));
    }

    @Test
    void messagesNameWhatIsNull() {
        assertNames("version", () -> ModelUpdate.version((VersionId) null));
        assertNames("version", () -> ModelUpdate.version((String) null));
        assertNames("bundle", () -> ModelUpdate.bundle(null));
        assertNames("version", () -> ControlCommand.rollback(null));
    }
}
