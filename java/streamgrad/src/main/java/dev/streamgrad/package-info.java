/**
 * Online learning of TensorFlow models inside the JVM that holds the stream.
 *
 * <p>A model is exported once from Keras as a bundle; a {@link dev.streamgrad.Trainer} opened on it learns from and
 * predicts on every {@link dev.streamgrad.Batch} of records.
 *
 * <pre>{@code
 * try (Trainer trainer = Trainer.open(Path.of("flights.bundle"))) {
 *     Batch batch = trainer.newBatch(32);
 *     for (Flight f : flights) {
 *         batch.add(row -> row.set("hour", f.hour).set("distance", f.distance).set("late", f.late));
 *     }
 *     Report report = trainer.step(batch);
 *     System.out.printf("%.4f %.3f%n", report.loss(), report.metrics().auc());
 * }
 * }</pre>
 *
 * <p>A {@link dev.streamgrad.FolderStore} keeps what was learned: {@code Trainer.open(Path.of("flights.bundle"),
 * Path.of("model"))} goes on where the last process was.
 *
 * <p>Every failure is a {@link dev.streamgrad.StreamgradException}, and after it nothing has changed: no parameter, no
 * row of the batch. The platform is Linux on x86-64 with glibc.
 */
package dev.streamgrad;
