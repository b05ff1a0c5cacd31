/*
 * Each bad input that C can reach is refused with its status, by a message that names the thing, and changes nothing.
 *
 * refusals BUNDLES BROKEN: the second folder holds damaged copies of flights.bundle.
 */
#include <math.h>

#include "check.h"

static sg_trainer trainer, closed_trainer;
static sg_batch batch, closed_batch;
static float numbers[3 * 4] = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f, 0.9f, 1, 1.1f, 1.2f};
static float late[3] = {0, 1, 1};
static float p[3];

static void fill(void)
{
    OK(sg_batch_set_f32(batch, "numbers", numbers, 12, &error));
    OK(sg_batch_set_f32(batch, "late", late, 3, &error));
}

/* Nothing was learned: no step was counted, and the predictions are the same to the bit. */
static void unchanged(void)
{
    static float before[3];
    uint64_t version;
    OK(sg_trainer_version(trainer, &version, &error));
    REQUIRE(version == 0);
    fill();
    sg_predictions predictions = SG_PREDICTIONS(p, 3);
    OK(sg_trainer_predict(trainer, batch, &predictions, &error));
    REQUIRE(before[0] == 0 || memcmp(before, p, sizeof p) == 0);
    memcpy(before, p, sizeof p);
}

static sg_status step(sg_batch rows)
{
    sg_report report = SG_REPORT(p, 3);
    return sg_trainer_step(trainer, rows, &report, &error);
}

static void bundles(const char *folder)
{
    sg_bundle none;
    sg_trainer other;
    const char *ops[] = {NULL};
    sg_trainer_options options = SG_TRAINER_OPTIONS_INIT;
    REFUSED(SG_INVALID_BUNDLE, "no.bundle", sg_trainer_open("no.bundle", NULL, &other, &error));
    REFUSED(SG_INVALID_BUNDLE, "no.bundle", sg_bundle_open("no.bundle", NULL, 0, &none, &error));
    REFUSED(SG_INVALID_INPUT, "bundle", sg_trainer_open("", NULL, &other, &error));
    REFUSED(SG_NULL_POINTER, "bundle", sg_trainer_open(NULL, NULL, &other, &error));
    REFUSED(SG_NULL_POINTER, "trainer", sg_trainer_open(folder, NULL, NULL, &error));
    REFUSED(SG_MISALIGNED, "trainer", sg_trainer_open(folder, NULL, (sg_trainer *)((char *)&other + 1), &error));
    REFUSED(SG_NULL_POINTER, "allowed_ops", sg_bundle_open(folder, NULL, 1, &none, &error));
    REFUSED(SG_NULL_POINTER, "allowed_ops", sg_bundle_open(folder, ops, 1, &none, &error));
    options.intra_op_threads = -7;
    REFUSED(SG_INVALID_INPUT, "intra_op_threads", sg_trainer_open(folder, &options, &other, &error));
    options.intra_op_threads = 0;
    options.learning_rate = NAN;
    REFUSED(SG_INVALID_INPUT, "learning rate", sg_trainer_open(folder, &options, &other, &error));
    options.learning_rate = -1;
    REFUSED(SG_INVALID_INPUT, "learning rate", sg_trainer_open(folder, &options, &other, &error));
    options.size = 3;
    REFUSED(SG_INVALID_INPUT, "SG_TRAINER_OPTIONS_INIT", sg_trainer_open(folder, &options, &other, &error));
    struct {
        sg_trainer_options known;
        uint64_t of_a_newer_header;
    } newer = {SG_TRAINER_OPTIONS_INIT, 1};
    newer.known.size = sizeof newer;
    REFUSED(SG_UNSUPPORTED, "older", sg_trainer_open(folder, &newer.known, &other, &error));
    newer.of_a_newer_header = 0;
    OK(sg_trainer_open(folder, &newer.known, &other, &error));
    CLOSES(sg_trainer_close(other));
}

static void damaged_bundles(const char *folder)
{
    static const struct {
        const char *name, *names;
    } damaged[] = {
        {"no_manifest", "bundle.json"},
        {"no_graph", "graph.pb"},
        {"truncated_graph", "graph.pb"},
        {"altered_values", "initial.safetensors"},
        {"not_json", "bundle.json"},
        {"newer_format", "format 2"},
        {"unknown_dtype", "qint8"},
        {"unknown_rule", "rmsprop"},
        {"other_dtype", "feature/numbers"},
        {"no_such_endpoint", "train/nothing"},
    };
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, damaged[i].name);
        sg_trainer other = {7};
        REFUSED(SG_INVALID_BUNDLE, damaged[i].names, sg_trainer_open(path, NULL, &other, &error));
        REQUIRE(other.id == 7);
    }
}

static void columns(void)
{
    const bool neither[] = {true};
    const sg_bytes nowhere = {NULL, 3};
    REFUSED(SG_INVALID_INPUT, "wind", sg_batch_set_f32(batch, "wind", numbers, 12, &error)); /* a field, not a column */
    REFUSED(SG_INVALID_INPUT, "float32", sg_batch_set_f64(batch, "numbers", (double[4]){0}, 4, &error));
    REFUSED(SG_INVALID_INPUT, "float32", sg_batch_set_bool(batch, "numbers", neither, 1, &error));
    REFUSED(SG_INVALID_INPUT, "numbers", sg_batch_set_strings(batch, "numbers", &(sg_bytes){"x", 1}, 1, &error));
    REFUSED(SG_NULL_POINTER, "values", sg_batch_set_strings(batch, "numbers", &nowhere, 1, &error));
    REFUSED(SG_INVALID_INPUT, "numbers", sg_batch_set_f32(batch, "numbers", numbers, 11, &error));
    REFUSED(SG_INVALID_INPUT, "3 rows", sg_batch_set_f32(batch, "late", numbers, 12, &error));
    REFUSED(SG_NULL_POINTER, "values", sg_batch_set_f32(batch, "numbers", NULL, 12, &error));
    REFUSED(SG_NULL_POINTER, "column", sg_batch_set_f32(batch, NULL, numbers, 12, &error));
    REFUSED(SG_INVALID_INPUT, "column", sg_batch_set_f32(batch, "\xff\xfe", numbers, 12, &error));
    REFUSED(SG_MISALIGNED, "values", sg_batch_set_f32(batch, "numbers", (float *)((char *)numbers + 1), 8, &error));
    REFUSED(SG_INVALID_INPUT, "length", sg_batch_set_f32(batch, "numbers", numbers, SIZE_MAX, &error));
    REFUSED(SG_INVALID_INPUT, "dtype 77", sg_batch_set(batch, "numbers", 77, numbers, 12, &error));
    const unsigned char bytes[2] = {1, 2};
    REFUSED(SG_INVALID_INPUT, "bool", sg_batch_set(batch, "numbers", SG_BOOL, bytes, 2, &error));
}

static void rows(void)
{
    float one = 1, nan = NAN;
    sg_field fields[] = {
        {"hour", SG_FLOAT32, &one, 1}, {"distance", SG_FLOAT32, &one, 1}, {"seats", SG_FLOAT32, &one, 1},
        {"wind", SG_FLOAT32, &one, 1}, {"late", SG_FLOAT32, &one, 1},
    };
    OK(sg_batch_clear(batch, &error));
    REFUSED(SG_INVALID_INPUT, "wind", sg_batch_add(batch, fields, 3, &error));
    fields[3].values = &nan;
    REFUSED(SG_INVALID_INPUT, "numbers", sg_batch_add(batch, fields, 5, &error));
    fields[3].values = NULL;
    REFUSED(SG_NULL_POINTER, "wind", sg_batch_add(batch, fields, 5, &error));
    fields[3] = (sg_field){"gust", SG_FLOAT32, &one, 1};
    REFUSED(SG_INVALID_INPUT, "gust", sg_batch_add(batch, fields, 5, &error));
    fields[3] = (sg_field){"wind", SG_FLOAT32, numbers, 2};
    REFUSED(SG_INVALID_INPUT, "wind", sg_batch_add(batch, fields, 5, &error));
    fields[3] = (sg_field){"wind", SG_STRING, &(sg_bytes){"strong", 6}, 1};
    REFUSED(SG_INVALID_INPUT, "wind", sg_batch_add(batch, fields, 5, &error));
    fields[3] = (sg_field){NULL, SG_FLOAT32, &one, 1};
    REFUSED(SG_NULL_POINTER, "name of a field", sg_batch_add(batch, fields, 5, &error));
    REFUSED(SG_NULL_POINTER, "fields", sg_batch_add(batch, NULL, 5, &error));
    float two = 2;
    fields[3] = (sg_field){"wind", SG_FLOAT32, &one, 1};
    fields[4].values = &two;
    REFUSED(SG_INVALID_INPUT, "late must be from 0 to 1, it is 2", sg_batch_add(batch, fields, 5, &error));
    size_t count;
    OK(sg_batch_rows(batch, &count, &error));
    REQUIRE(count == 0);
}

static void steps(void)
{
    OK(sg_batch_clear(batch, &error));
    REFUSED(SG_INVALID_INPUT, "empty", step(batch));
    OK(sg_batch_set_f32(batch, "numbers", numbers, 12, &error));
    REFUSED(SG_INVALID_INPUT, "late", step(batch));
    OK(sg_batch_set_f32(batch, "late", late, 2, &error));
    REFUSED(SG_INVALID_INPUT, "late", step(batch));
    const float too_late[3] = {0, 1, 2};
    OK(sg_batch_set_f32(batch, "late", too_late, 3, &error));
    REFUSED(SG_INVALID_INPUT, "late", step(batch));
    fill();
    for (int i = 0; i < 3; i++) {
        float bad[12];
        memcpy(bad, numbers, sizeof bad);
        bad[5] = (const float[]){NAN, INFINITY, -INFINITY}[i];
        OK(sg_batch_set_f32(batch, "numbers", bad, 12, &error));
        REFUSED(SG_INVALID_INPUT, "distance", step(batch));
    }
    /* Finite features whose loss or gradient is not. */
    float huge[12];
    for (int i = 0; i < 12; i++)
        huge[i] = i % 2 ? 3e38f : -3e38f;
    OK(sg_batch_set_f32(batch, "numbers", huge, 12, &error));
    REFUSED(SG_NON_FINITE, "", step(batch));
}

static void memory(void)
{
    fill();
    sg_report report = SG_REPORT(p, 2);
    REFUSED(SG_BUFFER_TOO_SMALL, "room for 3 values", sg_trainer_step(trainer, batch, &report, &error));
    REQUIRE(report.rows == 0 && report.version == 0);
    report = (sg_report)SG_REPORT(NULL, 3);
    REFUSED(SG_NULL_POINTER, "dense_1", sg_trainer_step(trainer, batch, &report, &error));
    report = (sg_report)SG_REPORT((float *)((char *)p + 2), 3);
    REFUSED(SG_MISALIGNED, "dense_1", sg_trainer_step(trainer, batch, &report, &error));
    report = (sg_report)SG_REPORT(p, 3);
    report.size = 0;
    REFUSED(SG_INVALID_INPUT, "SG_REPORT", sg_trainer_step(trainer, batch, &report, &error));
    sg_output output = {"no_such", SG_FLOAT32, p, 3, 0};
    report = (sg_report)SG_REPORT_OUTPUTS(&output, 1);
    REFUSED(SG_INVALID_INPUT, "no_such", sg_trainer_step(trainer, batch, &report, &error));
    output = (sg_output){"dense_1", SG_INT32, p, 3, 0};
    REFUSED(SG_INVALID_INPUT, "float32", sg_trainer_step(trainer, batch, &report, &error));
    output = (sg_output){NULL, SG_FLOAT32, p, 3, 0};
    REFUSED(SG_NULL_POINTER, "name of an output", sg_trainer_step(trainer, batch, &report, &error));
    report = (sg_report)SG_REPORT_OUTPUTS(NULL, 1);
    REFUSED(SG_NULL_POINTER, "outputs", sg_trainer_step(trainer, batch, &report, &error));
    REFUSED(SG_NULL_POINTER, "predictions", sg_trainer_predict(trainer, batch, NULL, &error));

    size_t length = 7;
    float kernel[4 * 32];
    REFUSED(SG_BUFFER_TOO_SMALL, "room for 128 values",
            sg_trainer_parameter(trainer, "dense/kernel", SG_FLOAT32, kernel, 127, &length, &error));
    REQUIRE(length == 7);
    REFUSED(SG_INVALID_INPUT, "float32", sg_trainer_parameter(trainer, "dense/kernel", SG_INT64, kernel, 16, &length, &error));
    REFUSED(SG_INVALID_INPUT, "dense/no", sg_trainer_parameter(trainer, "dense/no", SG_FLOAT32, kernel, 128, &length, &error));
    REFUSED(SG_NULL_POINTER, "length", sg_trainer_parameter(trainer, "dense/kernel", SG_FLOAT32, kernel, 128, NULL, &error));
    REFUSED(SG_MISALIGNED, "values",
            sg_trainer_parameter(trainer, "dense/kernel", SG_FLOAT32, (char *)kernel + 1, 128, &length, &error));
    REFUSED(SG_INVALID_INPUT, "capacity", sg_batch_new(trainer, 0, &batch, &error));
    REFUSED(SG_NULL_POINTER, "version", sg_trainer_version(trainer, NULL, &error));
    sg_metric metric = {"no_such_metric", 0, 0};
    REFUSED(SG_INVALID_INPUT, "no_such_metric", sg_trainer_metrics(trainer, &metric, 1, &error));
    sg_evaluation evaluation = SG_EVALUATION_INIT;
    REFUSED(SG_INVALID_INPUT, "evaluate", sg_trainer_evaluate(trainer, NULL, 0, &evaluation, &error));
    REFUSED(SG_NULL_POINTER, "evaluation", sg_trainer_evaluate(trainer, &batch, 1, NULL, &error));

    char odd[sizeof(sg_error) + 8];
    sg_error *misaligned = (sg_error *)(odd + 1 + (8 - (uintptr_t)odd % 8) % 8);
    REQUIRE(sg_trainer_step(trainer, batch, NULL, misaligned) == SG_MISALIGNED);
    REQUIRE(sg_trainer_step(trainer, closed_batch, NULL, NULL) == SG_CLOSED);
}

static void handles(void)
{
    uint64_t version;
    const sg_trainer zero = {0}, forged = {~UINT64_C(0)}, foreign = {batch.id};
    REFUSED(SG_CLOSED, "trainer", sg_trainer_version(zero, &version, &error));
    REFUSED(SG_CLOSED, "trainer", sg_trainer_version(forged, &version, &error));
    REFUSED(SG_CLOSED, "trainer", sg_trainer_version(foreign, &version, &error));
    REFUSED(SG_CLOSED, "trainer", sg_trainer_version(closed_trainer, &version, &error));
    REFUSED(SG_CLOSED, "trainer", sg_trainer_step(closed_trainer, batch, NULL, &error));
    REFUSED(SG_CLOSED, "batch", step(closed_batch));
    REFUSED(SG_CLOSED, "batch", step((sg_batch){trainer.id}));
    REFUSED(SG_CLOSED, "batch", sg_batch_clear(closed_batch, &error));
    REFUSED(SG_CLOSED, "pin", sg_pin_version((sg_pin){0}, &version, &error));
    REFUSED(SG_CLOSED, "gradients", sg_trainer_apply(trainer, (sg_gradients){0}, NULL, &error));
    REFUSED(SG_CLOSED, "bundle", sg_bundle_tensor_count((sg_bundle){0}, SG_FEATURE, (size_t[1]){0}, &error));
    /* Closing what is closed, zero or foreign does nothing. */
    REQUIRE(sg_trainer_close(closed_trainer) == SG_OK && sg_trainer_close(zero) == SG_OK && sg_trainer_close(foreign) == SG_OK);
    OK(sg_batch_clear(batch, &error));
}

static void strangers(int argc, char **argv)
{
    sg_trainer stranger;
    sg_batch rows;
    sg_gradients gradients;
    sg_pin pin;
    OK(sg_trainer_open(bundle(argc, argv, "every_dtype"), NULL, &stranger, &error));
    OK(sg_batch_new(stranger, 3, &rows, &error));
    REFUSED(SG_INVALID_INPUT, "bundle", step(rows));
    fill();
    OK(sg_trainer_gradients(trainer, batch, &gradients, &error));
    REFUSED(SG_INVALID_INPUT, "bundle", sg_trainer_apply(stranger, gradients, NULL, &error));
    OK(sg_trainer_pin(stranger, &pin, &error));
    sg_predictions predictions = SG_PREDICTIONS(p, 3);
    REFUSED(SG_INVALID_INPUT, "bundle", sg_trainer_predict_at(trainer, pin, batch, &predictions, &error));
    size_t length;
    sg_bundle described;
    sg_tensor tensor = SG_TENSOR_INIT;
    OK(sg_trainer_bundle(stranger, &described, &error));
    REFUSED(SG_INVALID_INPUT, "7 tensors", sg_bundle_tensor(described, SG_FEATURE, 7, &tensor, &error));
    REFUSED(SG_INVALID_INPUT, "role 9", sg_bundle_tensor(described, 9, 0, &tensor, &error));
    REFUSED(SG_INVALID_INPUT, "1 fields", sg_bundle_field(described, SG_FEATURE, 0, 1, NULL, 0, &length, &error));
    REFUSED(SG_BUFFER_TOO_SMALL, "room for 12", sg_bundle_name(described, (char[4]){0}, 4, &length, &error));
    CLOSES(sg_bundle_close(described));
    CLOSES(sg_pin_close(pin));
    CLOSES(sg_gradients_close(gradients));
    CLOSES(sg_batch_close(rows));
    CLOSES(sg_trainer_close(stranger));
}

int main(int argc, char **argv)
{
    const char *flights = bundle(argc, argv, "flights");
    REQUIRE(argc == 3);
    OK(sg_trainer_open(flights, NULL, &trainer, &error));
    OK(sg_batch_new(trainer, 3, &batch, &error));
    OK(sg_trainer_open(flights, NULL, &closed_trainer, &error));
    OK(sg_batch_new(closed_trainer, 3, &closed_batch, &error));
    CLOSES(sg_trainer_close(closed_trainer));
    CLOSES(sg_batch_close(closed_batch));

    void (*const groups[])(void) = {columns, rows, steps, memory, handles};
    unchanged();
    bundles(flights);
    damaged_bundles(argv[2]);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        groups[i]();
        unchanged();
    }
    strangers(argc, argv);
    unchanged();
    CLOSES(sg_batch_close(batch));
    CLOSES(sg_trainer_close(trainer));
    printf("%d refusals changed nothing\n", refusals);
    return 0;
}
