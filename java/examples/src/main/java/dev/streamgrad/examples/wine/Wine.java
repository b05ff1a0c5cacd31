package dev.streamgrad.examples.wine;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.MappingIterator;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.dataformat.csv.CsvMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.dataformat.csv.CsvSchema;

/** What a laboratory measured of a wine, and whose it is, 0, 1 or 2. A POJO of Flink. */
public final class Wine implements Serializable {
    private static final long serialVersionUID = 1L;

    // Under the names that the bundle has them by.
    public float alcohol;
    public float malicAcid;
    public float ash;
    public float alcalinity;
    public float magnesium;
    public float phenols;
    public float flavanoids;
    public float nonflavanoids;
    public float proanthocyanins;
    public float color;
    public float hue;
    public float od280;
    public float proline;
    public int kind;

    /** The wines that model.py has written. */
    static List<Wine> read(Path file) throws IOException {
        CsvSchema columns = CsvSchema.emptySchema().withHeader();
        try (MappingIterator<Wine> wines = new CsvMapper().readerFor(Wine.class).with(columns).readValues(Files.newBufferedReader(file))) {
            return wines.readAll();
        }
    }
}
