/* Every setter, by column and row by row: the same predictions; what the bundle says of itself. */
#include "check.h"

enum { ROWS = 3 };

static struct {
    float of_float32[ROWS * 2];
    double of_float64[ROWS * 2];
    int32_t of_int32[ROWS * 2];
    int64_t of_int64[ROWS * 2];
    uint8_t of_uint8[ROWS * 2];
    bool of_bool[ROWS * 2];
    sg_bytes of_string[ROWS];
    float value[ROWS];
    float weight[ROWS];
} data = {
    {0.5f, -0.5f, 1.5f, 2.5f, -3.5f, 0.0f},
    {1, 2, 3, 4, 5, 6},
    {-1, 2, -3, 4, -5, 6},
    {1, 0, 1, 0, 1, 0},
    {3, 2, 1, 0, 1, 2},
    {true, false, true, true, false, false},
    {{"UA", 2}, {"\xff\0x", 3}, {NULL, 0}},
    {1, 2, 3},
    {1, 0.5f, 2},
};

static void by_column(sg_batch batch)
{
    OK(sg_batch_set_f32(batch, "of_float32", data.of_float32, ROWS * 2, &error));
    OK(sg_batch_set_f64(batch, "of_float64", data.of_float64, ROWS * 2, &error));
    OK(sg_batch_set_i32(batch, "of_int32", data.of_int32, ROWS * 2, &error));
    OK(sg_batch_set_i64(batch, "of_int64", data.of_int64, ROWS * 2, &error));
    OK(sg_batch_set_u8(batch, "of_uint8", data.of_uint8, ROWS * 2, &error));
    OK(sg_batch_set_bool(batch, "of_bool", data.of_bool, ROWS * 2, &error));
    OK(sg_batch_set_strings(batch, "of_string", data.of_string, ROWS, &error));
    OK(sg_batch_set_f32(batch, "value", data.value, ROWS, &error));
    OK(sg_batch_set_f32(batch, "weight", data.weight, ROWS, &error));
}

static void by_dtype(sg_batch batch)
{
    OK(sg_batch_set(batch, "of_float32", SG_FLOAT32, data.of_float32, ROWS * 2, &error));
    OK(sg_batch_set(batch, "of_float64", SG_FLOAT64, data.of_float64, ROWS * 2, &error));
    OK(sg_batch_set(batch, "of_int32", SG_INT32, data.of_int32, ROWS * 2, &error));
    OK(sg_batch_set(batch, "of_int64", SG_INT64, data.of_int64, ROWS * 2, &error));
    OK(sg_batch_set(batch, "of_uint8", SG_UINT8, data.of_uint8, ROWS * 2, &error));
    OK(sg_batch_set(batch, "of_bool", SG_BOOL, data.of_bool, ROWS * 2, &error));
    OK(sg_batch_set(batch, "of_string", SG_STRING, data.of_string, ROWS, &error));
}

/* The array is made once, and leads to the record at hand. */
static void by_row(sg_batch batch)
{
    struct {
        float of_float32[2];
        double of_float64[2];
        int32_t of_int32[2];
        int64_t of_int64[2];
        uint8_t of_uint8[2];
        bool of_bool[2];
        sg_bytes of_string;
        double value, weight;
    } record;
    const sg_field fields[] = {
        {"of_float32", SG_FLOAT32, record.of_float32, 2}, {"of_float64", SG_FLOAT64, record.of_float64, 2},
        {"of_int32", SG_INT32, record.of_int32, 2},       {"of_int64", SG_INT64, record.of_int64, 2},
        {"of_uint8", SG_UINT8, record.of_uint8, 2},       {"of_bool", SG_BOOL, record.of_bool, 2},
        {"of_string", SG_STRING, &record.of_string, 1},   {"value", SG_FLOAT64, &record.value, 1},
        {"weight", SG_FLOAT64, &record.weight, 1},
    };
    for (int row = 0; row < ROWS; row++) {
        memcpy(record.of_float32, data.of_float32 + row * 2, sizeof record.of_float32);
        memcpy(record.of_float64, data.of_float64 + row * 2, sizeof record.of_float64);
        memcpy(record.of_int32, data.of_int32 + row * 2, sizeof record.of_int32);
        memcpy(record.of_int64, data.of_int64 + row * 2, sizeof record.of_int64);
        memcpy(record.of_uint8, data.of_uint8 + row * 2, sizeof record.of_uint8);
        memcpy(record.of_bool, data.of_bool + row * 2, sizeof record.of_bool);
        record.of_string = data.of_string[row];
        record.value = data.value[row];
        record.weight = data.weight[row];
        OK(sg_batch_add(batch, fields, sizeof fields / sizeof *fields, &error));
    }
}

static void predict(sg_trainer trainer, sg_batch batch, float p[ROWS])
{
    sg_predictions predictions = SG_PREDICTIONS(p, ROWS);
    OK(sg_trainer_predict(trainer, batch, &predictions, &error));
    REQUIRE(predictions.rows == ROWS && predictions.version == 0);
}

static void describe(sg_bundle bundle, sg_role role, const char *what)
{
    size_t count;
    OK(sg_bundle_tensor_count(bundle, role, &count, &error));
    for (size_t i = 0; i < count; i++) {
        sg_tensor tensor = SG_TENSOR_INIT;
        OK(sg_bundle_tensor(bundle, role, i, &tensor, &error));
        REQUIRE(tensor.role == role);
        printf("%s %s: dtype %d, shape [", what, tensor.name, (int)tensor.dtype);
        for (size_t axis = 0; axis < tensor.rank; axis++)
            printf("%s%zu", axis ? ", " : "", tensor.shape[axis]);
        printf("], %zu elements, fields", tensor.elements);
        for (size_t field = 0; field < tensor.field_count; field++) {
            char name[64];
            size_t length;
            OK(sg_bundle_field(bundle, role, i, field, NULL, 0, &length, &error));
            OK(sg_bundle_field(bundle, role, i, field, name, sizeof name, &length, &error));
            REQUIRE(strlen(name) == length);
            printf(" %s", name);
        }
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    sg_bundle described;
    OK(sg_bundle_open(bundle(argc, argv, "every_dtype"), NULL, 0, &described, &error));
    char name[64];
    size_t length;
    OK(sg_bundle_name(described, name, sizeof name, &length, &error));
    printf("%s\n", name);
    describe(described, SG_FEATURE, "feature");
    describe(described, SG_LABEL, "label");
    describe(described, SG_WEIGHT, "weight");
    describe(described, SG_OUTPUT, "output");
    describe(described, SG_PARAMETER, "parameter");
    describe(described, SG_STATE, "state");
    CLOSES(sg_bundle_close(described));

    sg_trainer trainer;
    OK(sg_trainer_open(bundle(argc, argv, "every_dtype"), NULL, &trainer, &error));
    sg_batch batch;
    OK(sg_batch_new(trainer, ROWS, &batch, &error));
    size_t rows, capacity;
    OK(sg_batch_capacity(batch, &capacity, &error));
    REQUIRE(capacity == ROWS);

    float columns[ROWS], dtypes[ROWS], records[ROWS];
    by_column(batch);
    OK(sg_batch_rows(batch, &rows, &error));
    REQUIRE(rows == ROWS);
    predict(trainer, batch, columns);
    OK(sg_batch_clear(batch, &error));
    OK(sg_batch_rows(batch, &rows, &error));
    REQUIRE(rows == 0);
    by_dtype(batch);
    predict(trainer, batch, dtypes);
    OK(sg_batch_clear(batch, &error));
    by_row(batch);
    predict(trainer, batch, records);
    REQUIRE(memcmp(columns, dtypes, sizeof columns) == 0);
    REQUIRE(memcmp(columns, records, sizeof columns) == 0);
    REQUIRE(columns[0] != columns[1] && columns[1] != columns[2]);

    OK(sg_trainer_step(trainer, batch, NULL, &error));
    uint64_t version;
    OK(sg_trainer_version(trainer, &version, &error));
    REQUIRE(version == 1);
    CLOSES(sg_batch_close(batch));
    CLOSES(sg_trainer_close(trainer));
    printf("three ways, one prediction\n");
    return 0;
}
