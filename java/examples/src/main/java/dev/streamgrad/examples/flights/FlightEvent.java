package dev.streamgrad.examples.flights;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.core.fs.Path;
import org.apache.flink.formats.csv.CsvReaderFormat;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.dataformat.csv.CsvMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.dataformat.csv.CsvSchema;

/**
 * A line of the stream that prepare.py writes: a flight at its scheduled departure, with its features and without a label,
 * or the same flight when it lands, with the label alone. A POJO of Flink.
 */
public final class FlightEvent {
    /** The flight's place in the order of departures. */
    public int row;
    /** When: minutes since 1970, UTC. */
    public int minute;
    /** Whether it arrived 15 minutes late or more, 1 or 0; null as long as it has not landed. */
    public Integer late;

    // The models' features, under the names that the bundles have them by.
    public float distance;
    public float duration;
    public float sine;
    public float cosine;
    public float clock;
    public float age;
    public float seats;
    public float engines;
    public float unregistered;
    public float traffic;
    public float temperature;
    public float dewpoint;
    public float humidity;
    public float wind;
    public float northwind;
    public float eastwind;
    public float gust;
    public float precipitation;
    public float pressure;
    public float visibility;

    // Ids, whose rows are in tables: who flies where, in what and when; the last three live for a day.
    public String carrier;
    public String origin;
    public String dest;
    public String tailnum;
    public String route;
    public String number;
    public String originhour;
    public String weekday;
    public String originday;
    public String carrierday;
    public String destday;

    /** The file as a source of one split: its order is the stream's order, in every run. */
    static FileSource<FlightEvent> source(String file) {
        CsvReaderFormat<FlightEvent> lines = CsvReaderFormat.forSchema(
                CsvMapper::new,
                mapper -> CsvSchema.emptySchema().withHeader(),
                TypeInformation.of(FlightEvent.class));
        return FileSource.forRecordStreamFormat(lines, new Path(file)).build();
    }

    /** The lines are in order of time. */
    static WatermarkStrategy<FlightEvent> watermarks() {
        return WatermarkStrategy.<FlightEvent>forMonotonousTimestamps()
                .withTimestampAssigner((event, recordTimestamp) -> event.minute * 60_000L);
    }
}
