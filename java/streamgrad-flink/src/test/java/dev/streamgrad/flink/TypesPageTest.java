package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.DType;
import dev.streamgrad.flink.ValueType.Kind;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.Period;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.types.DataType;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.Test;

/** {@code docs/types.md}: Flink's tables are what the code does. Rust, C and Arrow have a test in Rust. */
final class TypesPageTest {
    private static final Path PAGE = Path.of(System.getProperty("streamgrad.root"), "docs", "types.md");
    /** Set to write the tables instead of comparing them. */
    private static final String WRITE = "STREAMGRAD_WRITE_TYPES";

    private static final DataType[] SQL = {
        DataTypes.BOOLEAN(), DataTypes.TINYINT(), DataTypes.SMALLINT(), DataTypes.INT(), DataTypes.BIGINT(),
        DataTypes.FLOAT(), DataTypes.DOUBLE(), DataTypes.DECIMAL(38, 18), DataTypes.CHAR(1), DataTypes.STRING(),
        DataTypes.BINARY(1), DataTypes.BYTES(), DataTypes.DATE(), DataTypes.TIME(0), DataTypes.TIME(3),
        DataTypes.TIMESTAMP(0), DataTypes.TIMESTAMP(3), DataTypes.TIMESTAMP(6), DataTypes.TIMESTAMP(9),
        DataTypes.TIMESTAMP_LTZ(0), DataTypes.TIMESTAMP_LTZ(3), DataTypes.TIMESTAMP_LTZ(6), DataTypes.TIMESTAMP_LTZ(9),
        DataTypes.INTERVAL(DataTypes.DAY(), DataTypes.SECOND(3)), DataTypes.INTERVAL(DataTypes.YEAR(), DataTypes.MONTH()),
        DataTypes.MAP(DataTypes.INT(), DataTypes.INT()), DataTypes.MULTISET(DataTypes.INT()), DataTypes.ROW(), DataTypes.NULL()
    };

    /** What Java enumerates. */
    private enum Name {}

    private static final Class<?>[] JAVA = {
        boolean.class, Boolean.class, byte.class, short.class, int.class, long.class, float.class, double.class,
        Byte.class, Short.class, Integer.class, Long.class, Float.class, Double.class, BigInteger.class, BigDecimal.class,
        String.class, CharSequence.class, char.class, Character.class, Name.class, byte[].class, ByteBuffer.class,
        LocalDate.class, java.sql.Date.class, LocalTime.class, java.sql.Time.class, Instant.class, LocalDateTime.class,
        OffsetDateTime.class, ZonedDateTime.class, java.sql.Timestamp.class, java.util.Date.class, Duration.class, Period.class
    };

    private static List<Schema> avro() {
        Schema integer = Schema.create(Schema.Type.INT);
        Schema fixed = Schema.createFixed("F", null, null, 2);
        List<Schema> all = new ArrayList<>();
        for (Schema.Type type : new Schema.Type[] {
            Schema.Type.BOOLEAN, Schema.Type.INT, Schema.Type.LONG, Schema.Type.FLOAT, Schema.Type.DOUBLE, Schema.Type.STRING, Schema.Type.BYTES
        }) {
            all.add(Schema.create(type));
        }
        all.add(LogicalTypes.decimal(4, 2).addToSchema(Schema.create(Schema.Type.BYTES)));
        all.add(LogicalTypes.decimal(4, 2).addToSchema(Schema.createFixed("D", null, null, 2)));
        all.add(Schema.createEnum("E", null, null, List.of("A")));
        all.add(fixed);
        all.add(LogicalTypes.date().addToSchema(integer));
        all.add(LogicalTypes.timeMillis().addToSchema(Schema.create(Schema.Type.INT)));
        for (var type : List.of(
                LogicalTypes.timeMicros(), LogicalTypes.timestampMillis(), LogicalTypes.timestampMicros(),
                LogicalTypes.localTimestampMillis(), LogicalTypes.localTimestampMicros())) {
            all.add(type.addToSchema(Schema.create(Schema.Type.LONG)));
        }
        all.add(Schema.createMap(integer));
        all.add(Schema.createRecord("R", null, null, false, List.of()));
        return all;
    }

    /** Every type of records that there is, by kind, as lists of names. */
    private static Map<Kind, List<List<String>>> kinds() {
        Map<Kind, List<List<String>>> kinds = new EnumMap<>(Kind.class);
        for (Kind kind : Kind.values()) {
            kinds.put(kind, List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>()));
        }
        for (DataType type : SQL) {
            ValueType value = dev.streamgrad.flink.LogicalTypes.of(type.getLogicalType());
            kinds.get(value.kind()).get(0).add(value.toString().replaceAll("(DECIMAL|CHAR|BINARY)\\(.*", "$1") + unit(value));
        }
        for (Class<?> type : JAVA) {
            ValueType value = ClassTypes.of(type);
            String name = type == Name.class ? "enum" : type.getTypeName().replaceAll("^java\\.(lang|math|nio|time)\\.", "");
            kinds.get(value.kind()).get(1).add(name + unit(value));
        }
        for (Schema type : avro()) {
            ValueType value = AvroType.of(type).values();
            kinds.get(value.kind()).get(2).add(value + unit(value));
        }
        return kinds;
    }

    private static String unit(ValueType value) {
        return value.tick() == null ? "" : ": " + value.tick().name().toLowerCase();
    }

    private static String inputs() {
        StringBuilder table = new StringBuilder("| SQL | Java | Avro | fills |\n|---|---|---|---|\n");
        kinds().forEach((kind, names) -> {
            String dtypes = Arrays.stream(DType.values())
                    .filter(dtype -> kind != Kind.ANY && FlinkType.of(dtype).isFilledBy(kind))
                    .map(dtype -> dtype + (kind == Kind.BYTES && !FlinkType.of(dtype).isText() ? " (each byte a value)" : ""))
                    .collect(Collectors.joining(", "));
            if (kind != Kind.ANY) {
                List<String> cells = names.stream()
                        .map(cell -> cell.stream().distinct().map(name -> '`' + name + '`').collect(Collectors.joining(", ")))
                        .collect(Collectors.toList());
                table.append("| ").append(String.join(" | ", cells)).append(" | ")
                        .append(dtypes.isEmpty() ? "nothing: refused" : dtypes).append(" |\n");
            }
        });
        return table.toString();
    }

    private static String outputs() {
        StringBuilder table =
                new StringBuilder("| output | Java | SQL | of `[3]` | of `[2, 3]` |\n|---|---|---|---|---|\n");
        for (DType dtype : DType.values()) {
            String row;
            try {
                TypeInformation<?> one = FlinkType.of(dtype).output(new int[0]);
                row = "`" + one.getTypeClass().getSimpleName() + "` | `" + sql(one) + "` | `"
                        + sql(FlinkType.of(dtype).output(new int[] {3})) + "` | `"
                        + sql(FlinkType.of(dtype).output(new int[] {2, 3})) + "`";
            } catch (IllegalArgumentException e) {
                row = "refused | | |";
            }
            table.append("| ").append(dtype).append(" | ").append(row).append(" |\n");
        }
        return table.toString();
    }

    /** What the Table API takes it for. */
    private static String sql(TypeInformation<?> type) {
        StreamExecutionEnvironment env = Cluster.environment();
        TypeInformation<Row> row = Types.ROW_NAMED(new String[] {"column"}, type);
        Table table = StreamTableEnvironment.create(env).fromDataStream(env.fromData(row, Row.of((Object) null)));
        return table.getResolvedSchema().getColumnDataTypes().get(0).getLogicalType().asSummaryString();
    }

    @Test
    void thePageHasTheTablesOfTheCode() throws IOException {
        Map<String, String> tables = new LinkedHashMap<>();
        tables.put("inputs", inputs());
        tables.put("outputs", outputs());
        String page = Files.readString(PAGE);
        for (Map.Entry<String, String> table : tables.entrySet()) {
            String begin = "<!-- written by TypesPageTest: " + table.getKey() + " -->\n";
            String end = "<!-- end of " + table.getKey() + " -->";
            int from = page.indexOf(begin) + begin.length();
            int to = page.indexOf(end, from);
            assertTrue(page.contains(begin) && to > 0, "the page has the marks of " + table.getKey());
            if (System.getenv(WRITE) != null) {
                page = page.substring(0, from) + table.getValue() + page.substring(to);
            } else {
                assertEquals(table.getValue(), page.substring(from, to), "run `make types`");
            }
        }
        if (System.getenv(WRITE) != null) {
            Files.writeString(PAGE, page);
        }
    }
}
