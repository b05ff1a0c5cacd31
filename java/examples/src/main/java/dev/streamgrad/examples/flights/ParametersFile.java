package dev.streamgrad.examples.flights;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.streamgrad.Trainer;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A trainer's parameters as a safetensors file, which numpy, Keras and PyTorch read. Stateless. */
final class ParametersFile {
    private ParametersFile() {}

    /** Writes the newest parameters; the format is an index of names to shapes and bytes, its length before it. */
    static void write(Trainer trainer, Path file) throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode index = mapper.createObjectNode();
        List<float[]> values = new ArrayList<>();
        int end = 0;
        for (String name : trainer.parameterNames()) {
            float[] value = trainer.parameter(name);
            int begin = end;
            end += value.length * Float.BYTES;
            ObjectNode entry = index.putObject(name).put("dtype", "F32");
            entry.set("shape", mapper.valueToTree(trainer.parameterShape(name)));
            entry.putArray("data_offsets").add(begin).add(end);
            values.add(value);
        }
        byte[] json = mapper.writeValueAsBytes(index);
        ByteBuffer tensors = ByteBuffer.allocate(end).order(ByteOrder.LITTLE_ENDIAN);
        values.forEach(value -> {
            for (float element : value) {
                tensors.putFloat(element);
            }
        });
        try (OutputStream out = Files.newOutputStream(file)) {
            out.write(ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).array());
            out.write(json);
            out.write(tensors.array());
        }
    }
}
