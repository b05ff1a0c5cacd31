/* SavedModels by each signature, strings and all dtypes out, and a graph that a JSON describes. */
#include <complex.h>
#include <math.h>

#include "check.h"

static const char *in_folder(char **argv, const char *name)
{
    static char path[4096];
    REQUIRE(snprintf(path, sizeof path, "%s/%s", argv[1], name) < (int)sizeof path);
    return path;
}

static int is(sg_bytes found, const char *wanted, size_t length)
{
    return found.length == length && memcmp(found.data, wanted, length) == 0;
}

static sg_predictor words(char **argv, const char *signature)
{
    sg_predictor_options options = SG_PREDICTOR_OPTIONS_INIT;
    options.signature = signature;
    sg_predictor predictor;
    OK(sg_predictor_follow(in_folder(argv, "saved/words"), NULL, &options, &predictor, &error));
    return predictor;
}

static void strings(char **argv)
{
    sg_predictor predictor;
    REFUSED(SG_INVALID_BUNDLE, "name one of double, find", sg_predictor_follow(in_folder(argv, "saved/words"), NULL, NULL, &predictor, &error));
    predictor = words(argv, "double");
    CLOSES(sg_predictor_close(predictor));
    predictor = words(argv, "find");

    sg_bundle bundle;
    sg_tensor tensor = SG_TENSOR_INIT;
    size_t outputs;
    OK(sg_predictor_bundle(predictor, &bundle, &error));
    OK(sg_bundle_tensor_count(bundle, SG_OUTPUT, &outputs, &error));
    OK(sg_bundle_tensor(bundle, SG_OUTPUT, 0, &tensor, &error));
    REQUIRE(outputs == 3 && strcmp(tensor.name, "joined") == 0 && tensor.dtype == SG_STRING);
    CLOSES(sg_bundle_close(bundle));

    sg_batch batch;
    OK(sg_predictor_batch(predictor, 3, &batch, &error));
    const sg_bytes table[] = {{"late", 4}, {"rain", 4}, {"\xff\0", 2}, {NULL, 0}, {"late", 4}, {"late", 4}};
    OK(sg_batch_set_strings(batch, "words", table, 6, &error));
    sg_bytes joined[3];
    int64_t place[6];
    char bytes[64];
    sg_output wanted[] = {{"joined", SG_STRING, joined, 3, 0}, {"place", SG_INT64, place, 6, 0}};
    sg_predictions predictions = SG_PREDICTIONS_OUTPUTS(wanted, 2);

    /* Without room for the bytes the call says how many there are. */
    memset(joined, 7, sizeof joined);
    place[0] = 99;
    OK(sg_predictor_predict(predictor, batch, &predictions, &error));
    REQUIRE(predictions.byte_length == 21 && place[0] == 99 && wanted[0].length == 0 && joined[0].length != 9);
    predictions.bytes = bytes;
    predictions.byte_capacity = 20;
    REFUSED(SG_BUFFER_TOO_SMALL, "21", sg_predictor_predict(predictor, batch, &predictions, &error));
    REQUIRE(place[0] == 99);
    predictions.byte_capacity = 21;
    OK(sg_predictor_predict(predictor, batch, &predictions, &error));
    REQUIRE(predictions.rows == 3 && wanted[0].length == 3 && wanted[1].length == 6 && predictions.byte_length == 21);
    REQUIRE(is(joined[0], "late+rain", 9) && is(joined[1], "\xff\0+", 3) && is(joined[2], "late+late", 9));
    REQUIRE(joined[0].data == bytes && place[0] == 0 && place[1] == 1 && place[2] == -1);

    wanted[0].capacity = 2;
    REFUSED(SG_BUFFER_TOO_SMALL, "joined", sg_predictor_predict(predictor, batch, &predictions, &error));
    wanted[0].capacity = 3;
    wanted[0].dtype = SG_FLOAT32;
    REFUSED(SG_INVALID_INPUT, "joined", sg_predictor_predict(predictor, batch, &predictions, &error));
    /* A program of before: its struct ends where the strings begin. */
    sg_predictions older = SG_PREDICTIONS_OUTPUTS(&wanted[1], 1);
    older.size = offsetof(sg_predictions, bytes);
    older.bytes = (char *)1;
    OK(sg_predictor_predict(predictor, batch, &older, &error));
    REQUIRE(older.rows == 3);
    CLOSES(sg_batch_close(batch));
    CLOSES(sg_predictor_close(predictor));
}

/* Sets a column, and wants the output of its name with the rows in reverse order. */
#define REVERSED(type, sg, name, a, b, c, d)                                                                 \
    type x_##name[] = {a, b, c, d}, y_##name[4] = {0};                                                       \
    OK(sg_batch_set(batch, "x_" #name, sg, x_##name, 4, &error));                                            \
    wanted[count++] = (sg_output){"y_" #name, sg, y_##name, 4, 0}

#define RETURNED(name)                                                                                       \
    REQUIRE(memcmp(y_##name, x_##name + 2, sizeof x_##name / 2) == 0 && memcmp(y_##name + 2, x_##name, sizeof x_##name / 2) == 0)

static void dtypes(char **argv)
{
    sg_predictor predictor;
    OK(sg_predictor_follow(in_folder(argv, "saved/dtypes"), NULL, NULL, &predictor, &error));
    sg_batch batch;
    OK(sg_predictor_batch(predictor, 2, &batch, &error));
    sg_output wanted[16];
    size_t count = 0;
    /* 1, -2, 65504 and the smallest of all; 1, -2, the largest float's half and zero. */
    REVERSED(uint16_t, SG_FLOAT16, float16, 0x3c00, 0xc000, 0x7bff, 0x0001);
    REVERSED(uint16_t, SG_BFLOAT16, bfloat16, 0x3f80, 0xc000, 0x7f7f, 0);
    REVERSED(float, SG_FLOAT32, float32, 1.5f, -2, 3, 1e30f);
    REVERSED(double, SG_FLOAT64, float64, 1.5, -2, 3, 1e300);
    REVERSED(float complex, SG_COMPLEX64, complex64, 1 + 2 * I, -3, 0.5f * I, 4);
    REVERSED(double complex, SG_COMPLEX128, complex128, 1 + 2 * I, -3, 1e300 * I, 4);
    REVERSED(int8_t, SG_INT8, int8, INT8_MIN, INT8_MAX, 0, 1);
    REVERSED(int16_t, SG_INT16, int16, INT16_MIN, INT16_MAX, 0, 1);
    REVERSED(int32_t, SG_INT32, int32, INT32_MIN, INT32_MAX, 0, 1);
    REVERSED(int64_t, SG_INT64, int64, INT64_MIN, INT64_MAX, 0, 1);
    REVERSED(uint8_t, SG_UINT8, uint8, 0, UINT8_MAX, 1, 2);
    REVERSED(uint16_t, SG_UINT16, uint16, 0, UINT16_MAX, 1, 2);
    REVERSED(uint32_t, SG_UINT32, uint32, 0, UINT32_MAX, 1, 2);
    REVERSED(uint64_t, SG_UINT64, uint64, 0, UINT64_MAX, 1, 2);
    REVERSED(bool, SG_BOOL, bool, true, false, false, false);
    const sg_bytes x_string[] = {{"late", 4}, {"\xff", 1}};
    OK(sg_batch_set_strings(batch, "x_string", x_string, 2, &error));
    sg_bytes y_string[2];
    char bytes[5];
    wanted[count++] = (sg_output){"y_string", SG_STRING, y_string, 2, 0};
    sg_predictions predictions = SG_PREDICTIONS_OUTPUTS(wanted, count);
    predictions.bytes = bytes;
    predictions.byte_capacity = sizeof bytes;
    OK(sg_predictor_predict(predictor, batch, &predictions, &error));
    RETURNED(float16);
    RETURNED(bfloat16);
    RETURNED(float32);
    RETURNED(float64);
    RETURNED(complex64);
    RETURNED(complex128);
    RETURNED(int8);
    RETURNED(int16);
    RETURNED(int32);
    RETURNED(int64);
    RETURNED(uint8);
    RETURNED(uint16);
    RETURNED(uint32);
    RETURNED(uint64);
    RETURNED(bool);
    REQUIRE(is(y_string[0], "\xff", 1) && is(y_string[1], "late", 4));

    const float complex infinite = CMPLXF(0, HUGE_VALF);
    const float complex bad[] = {1, infinite, 1, 1};
    OK(sg_batch_set(batch, "x_complex64", SG_COMPLEX64, bad, 4, &error));
    REFUSED(SG_INVALID_INPUT, "row 0: x_complex64 is inf", sg_predictor_predict(predictor, batch, &predictions, &error));

    /* A row field by field: a number becomes a half, if it is not too large; a complex number takes a complex one. */
    OK(sg_batch_clear(batch, &error));
    const double large[] = {1, 70000}, small[] = {0.5, -65504};
    const bool truth[] = {true, false};
    const float complex parts[] = {1 + 2 * I, -3};
    const int32_t one[] = {1, 1};
    sg_field fields[] = {{"x_float16", SG_FLOAT64, large, 2}, {"x_bfloat16", SG_FLOAT16, x_float16, 2}, {"x_float32", SG_BFLOAT16, x_bfloat16, 2},
        {"x_float64", SG_FLOAT32, x_float32, 2}, {"x_complex64", SG_COMPLEX64, parts, 2}, {"x_complex128", SG_COMPLEX64, parts, 2},
        {"x_int8", SG_INT32, one, 2}, {"x_int16", SG_INT32, one, 2}, {"x_int32", SG_INT32, one, 2}, {"x_int64", SG_INT32, one, 2},
        {"x_uint8", SG_INT32, one, 2}, {"x_uint16", SG_INT32, one, 2}, {"x_uint32", SG_INT32, one, 2}, {"x_uint64", SG_INT32, one, 2},
        {"x_bool", SG_BOOL, truth, 2}, {"x_string", SG_STRING, x_string, 1}};
    REFUSED(SG_INVALID_INPUT, "70000 does not fit float16", sg_batch_add(batch, fields, 16, &error));
    fields[0].values = small;
    fields[4].dtype = SG_FLOAT32;
    REFUSED(SG_INVALID_INPUT, "is real, but complex64 has two parts", sg_batch_add(batch, fields, 16, &error));
    fields[4].dtype = SG_COMPLEX64;
    OK(sg_batch_add(batch, fields, 16, &error));
    OK(sg_predictor_predict(predictor, batch, &predictions, &error));
    REQUIRE(y_float16[0] == 0x3800 && y_float16[1] == 0xfbff && y_bfloat16[0] == 0x3f80 && y_float32[1] == -2);
    REQUIRE(y_complex64[0] == parts[0] && y_complex128[0] == 1 + 2 * I && y_complex128[1] == -3);
    CLOSES(sg_batch_close(batch));
    CLOSES(sg_predictor_close(predictor));
}

static void numbered(char **argv)
{
    sg_predictor predictor;
    sg_predictor_options options = SG_PREDICTOR_OPTIONS_INIT;
    options.every_seconds = SG_NEVER;
    options.signature = "serving_default";
    OK(sg_predictor_numbered(in_folder(argv, "saved/numbered"), &options, &predictor, &error));
    sg_version_id version;
    OK(sg_predictor_version(predictor, &version, &error));
    REQUIRE(version.number == 10);
    const sg_version_id second = {SG_ANY_LINEAGE, 2};
    OK(sg_predictor_switch_to(predictor, second, &version, &error));
    REQUIRE(version.number == 2);
    CLOSES(sg_predictor_close(predictor));
}

static void described(char **argv)
{
    sg_trainer trainer;
    sg_batch batch;
    const char *const graphs[][3] = {{"ancestor/mlp.json", "input_x", "input_y"}, {"ancestor/bare.json", "numbers", "kind"}};
    for (size_t graph = 0; graph < 2; graph++) {
        OK(sg_trainer_open(in_folder(argv, graphs[graph][0]), NULL, &trainer, &error));
        OK(sg_batch_new(trainer, 32, &batch, &error));
        float x[32 * 13], y[32 * 3] = {0};
        for (int i = 0; i < 32 * 13; i++)
            x[i] = (float)(i % 7) / 7;
        for (int i = 0; i < 32; i++)
            y[i * 3 + i % 3] = 1;
        OK(sg_batch_set_f32(batch, graphs[graph][1], x, 32 * 13, &error));
        OK(sg_batch_set_f32(batch, graphs[graph][2], y, 32 * 3, &error));
        double first = 0;
        sg_report report = SG_REPORT(NULL, 0);
        for (int step = 0; step < 20; step++) {
            OK(sg_trainer_step(trainer, batch, &report, &error));
            first = step == 0 ? report.loss : first;
        }
        REQUIRE(report.version == 20 && report.loss < first);
        CLOSES(sg_batch_close(batch));
        CLOSES(sg_trainer_close(trainer));
    }
    REFUSED(SG_UNSUPPORTED, "streamgrad.export", sg_trainer_open(in_folder(argv, "saved/keras"), NULL, &trainer, &error));
}

int main(int argc, char **argv)
{
    REQUIRE(argc == 2);
    strings(argv);
    dtypes(argv);
    numbered(argv);
    described(argv);
    printf("SavedModels predict and described graphs learn, %d refusals\n", refusals);
    return 0;
}
