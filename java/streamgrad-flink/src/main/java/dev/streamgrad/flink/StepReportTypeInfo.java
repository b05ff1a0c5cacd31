package dev.streamgrad.flink;

import java.io.IOException;
import java.lang.reflect.Type;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInfoFactory;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Flink's type information for {@link StepReport}: an envelope around nothing. Immutable. */
final class StepReportTypeInfo extends EnvelopeTypeInfo<StepReport, Void> {
    private static final long serialVersionUID = 1L;

    StepReportTypeInfo() {
        super(StepReport.class, Types.VOID);
    }

    @Override
    TypeSerializer<StepReport> around(TypeSerializer<Void> records) {
        return new Serializer(records);
    }

    /** For Flink. */
    public static final class Factory extends TypeInfoFactory<StepReport> {
        /** For Flink. */
        public Factory() {}

        @Override
        public TypeInformation<StepReport> createTypeInfo(Type type, Map<String, TypeInformation<?>> parameters) {
            return new StepReportTypeInfo();
        }
    }

    private static final class Serializer extends EnvelopeSerializer<StepReport, Void> {
        private static final long serialVersionUID = 1L;

        Serializer(TypeSerializer<Void> records) {
            super(records);
        }

        @Override
        Serializer around(TypeSerializer<Void> records) {
            return new Serializer(records);
        }

        @Override
        public StepReport copy(StepReport from) {
            return from;
        }

        @Override
        public void serialize(StepReport report, DataOutputView out) throws IOException {
            out.writeInt(report.subtask);
            out.writeLong(report.gradientVersion);
            out.writeLong(report.version);
            out.writeInt(report.rows);
            out.writeFloat(report.loss);
            out.writeLong(report.pullNanos);
            out.writeLong(report.runNanos);
            out.writeLong(report.pushNanos);
            out.writeInt(report.names.length);
            for (int i = 0; i < report.names.length; i++) {
                out.writeUTF(report.names[i]);
                out.writeDouble(report.values[i]);
                out.writeDouble(report.windows[i]);
            }
        }

        @Override
        public StepReport deserialize(DataInputView in) throws IOException {
            int subtask = in.readInt();
            long[] versions = {in.readLong(), in.readLong()};
            int rows = in.readInt();
            float loss = in.readFloat();
            long[] nanos = {in.readLong(), in.readLong(), in.readLong()};
            String[] names = new String[in.readInt()];
            double[] values = new double[names.length];
            double[] windows = new double[names.length];
            for (int i = 0; i < names.length; i++) {
                names[i] = in.readUTF();
                values[i] = in.readDouble();
                windows[i] = in.readDouble();
            }
            return new StepReport(subtask, versions, rows, loss, nanos, names, values, windows);
        }

        @Override
        public TypeSerializerSnapshot<StepReport> snapshotConfiguration() {
            return new Snapshot(this);
        }
    }

    /** What a checkpoint keeps of the serializer. */
    public static final class Snapshot extends EnvelopeSnapshot<StepReport, Serializer> {
        /** For Flink. */
        public Snapshot() {}

        private Snapshot(Serializer serializer) {
            super(serializer);
        }

        @Override
        protected Serializer createOuterSerializerWithNestedSerializers(TypeSerializer<?>[] nested) {
            return new Serializer(only(nested));
        }
    }
}
