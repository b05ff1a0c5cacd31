/* Rows of any number of values: by column and row by row the same predictions, those that the model's sum says; refusals change nothing. */
#include "check.h"

enum { ROWS = 4, VALUES = 6, DTYPES = 12 };

static const size_t row_lengths[ROWS] = {2, 0, 3, 1};

static const float f32[VALUES] = {0.5f, -0.5f, 1.5f, 2.5f, -3.5f, 0.25f};
static const double f64[VALUES] = {1, 2, 3, 4, 5, 6};
static const int8_t i8[VALUES] = {-128, 127, 3, 4, 5, 6};
static const int16_t i16[VALUES] = {-1, 2, -3, 4, -5, 6};
static const int32_t i32[VALUES] = {-1, 2, -3, 4, -5, 7};
static const int64_t i64[VALUES] = {1, 0, 1, 0, 1, 9};
static const uint8_t u8[VALUES] = {255, 2, 1, 0, 1, 2};
static const uint16_t u16[VALUES] = {3, 2, 1, 0, 1, 3};
static const uint32_t u32[VALUES] = {3, 2, 1, 0, 1, 4};
/* 2^63 and 2^62, which a float holds exactly. */
static const uint64_t u64[VALUES] = {UINT64_C(1) << 63, UINT64_C(1) << 62, 1, 0, 1, 5};
static const bool truth[VALUES] = {true, false, true, true, false, true};
static const sg_bytes strings[VALUES] = {{"UA", 2}, {"\xff\0x", 3}, {NULL, 0}, {"", 0}, {"four", 4}, {"x", 1}};

static const struct {
    const char *name;
    sg_dtype dtype;
    const void *values;
    size_t size;
} columns[DTYPES] = {
    {"of_float32", SG_FLOAT32, f32, sizeof *f32}, {"of_float64", SG_FLOAT64, f64, sizeof *f64}, {"of_int8", SG_INT8, i8, sizeof *i8},
    {"of_int16", SG_INT16, i16, sizeof *i16},     {"of_int32", SG_INT32, i32, sizeof *i32},     {"of_int64", SG_INT64, i64, sizeof *i64},
    {"of_uint8", SG_UINT8, u8, sizeof *u8},       {"of_uint16", SG_UINT16, u16, sizeof *u16},   {"of_uint32", SG_UINT32, u32, sizeof *u32},
    {"of_uint64", SG_UINT64, u64, sizeof *u64},   {"of_bool", SG_BOOL, truth, sizeof *truth},   {"of_string", SG_STRING, strings, sizeof *strings},
};
static sg_batch batch;

static double number(int column, size_t i)
{
    const double all[DTYPES] = {f32[i], f64[i], i8[i], i16[i], i32[i], (double)i64[i], u8[i], u16[i], u32[i], (double)u64[i], truth[i],
                                (double)strings[i].length};
    return all[column];
}

/* What the model computes: each column's sum has a weight of its own. */
static void expected(float answers[ROWS])
{
    size_t first = 0;
    for (int row = 0; row < ROWS; first += row_lengths[row++]) {
        double answer = 0;
        for (int column = 0; column < DTYPES; column++)
            for (size_t i = first; i < first + row_lengths[row]; i++)
                answer += number(column, i) * (column + 1) / 8;
        answers[row] = (float)answer;
    }
}

static void by_dtype(void)
{
    for (int i = 0; i < DTYPES; i++)
        OK(sg_batch_set_ragged(batch, columns[i].name, columns[i].dtype, columns[i].values, VALUES, row_lengths, ROWS, &error));
}

static void by_column(void)
{
    by_dtype();
    OK(sg_batch_set_ragged_f32(batch, "of_float32", f32, VALUES, row_lengths, ROWS, &error));
    OK(sg_batch_set_ragged_f64(batch, "of_float64", f64, VALUES, row_lengths, ROWS, &error));
    OK(sg_batch_set_ragged_i32(batch, "of_int32", i32, VALUES, row_lengths, ROWS, &error));
    OK(sg_batch_set_ragged_i64(batch, "of_int64", i64, VALUES, row_lengths, ROWS, &error));
    OK(sg_batch_set_ragged_u8(batch, "of_uint8", u8, VALUES, row_lengths, ROWS, &error));
    OK(sg_batch_set_ragged_bool(batch, "of_bool", truth, VALUES, row_lengths, ROWS, &error));
    OK(sg_batch_set_ragged_strings(batch, "of_string", strings, VALUES, row_lengths, ROWS, &error));
}

static void by_row(void)
{
    size_t first = 0;
    for (int row = 0; row < ROWS; first += row_lengths[row++]) {
        const float value = (float)row;
        sg_field fields[DTYPES + 1] = {{"value", SG_FLOAT32, &value, 1}};
        for (int i = 0; i < DTYPES; i++) {
            const void *values = (const char *)columns[i].values + first * columns[i].size;
            fields[i + 1] = (sg_field){columns[i].name, columns[i].dtype, row_lengths[row] ? values : NULL, row_lengths[row]};
        }
        OK(sg_batch_add(batch, fields, DTYPES + 1, &error));
    }
}

static void predicts_the_sums(sg_trainer trainer)
{
    float answers[ROWS], wanted[ROWS];
    expected(wanted);
    sg_predictions predictions = SG_PREDICTIONS(answers, ROWS);
    OK(sg_trainer_predict(trainer, batch, &predictions, &error));
    REQUIRE(predictions.rows == ROWS);
    for (int row = 0; row < ROWS; row++)
        REQUIRE(answers[row] - wanted[row] <= 1e-6f * (wanted[row] < 0 ? -wanted[row] : wanted[row]) &&
                wanted[row] - answers[row] <= 1e-6f * (wanted[row] < 0 ? -wanted[row] : wanted[row]));
    REQUIRE(wanted[1] == 0 && wanted[2] != 0);
}

static void describes(sg_trainer trainer)
{
    sg_bundle bundle;
    OK(sg_trainer_bundle(trainer, &bundle, &error));
    sg_tensor tensor = SG_TENSOR_INIT;
    OK(sg_bundle_tensor(bundle, SG_FEATURE, 0, &tensor, &error));
    REQUIRE(tensor.ragged == 1 && tensor.rank == 0 && tensor.elements == 1 && tensor.field_count == 1);
    OK(sg_bundle_tensor(bundle, SG_LABEL, 0, &tensor, &error));
    REQUIRE(tensor.ragged == 0);
    /* A program that was compiled before there were ragged columns passes a struct without the last field. */
    tensor.size = offsetof(sg_tensor, ragged);
    tensor.ragged = 7;
    OK(sg_bundle_tensor(bundle, SG_FEATURE, 0, &tensor, &error));
    REQUIRE(tensor.ragged == 7);
    CLOSES(sg_bundle_close(bundle));
}

static void refuses(sg_trainer trainer)
{
    const float value[ROWS] = {0};
    const size_t too_few[ROWS] = {2, 0, 3, 0}, endless[ROWS] = {2, SIZE_MAX, 3, 1}, six[ROWS + 2] = {2, 0, 3, 1};
    REFUSED(SG_INVALID_INPUT, "add up to 5", sg_batch_set_ragged_f32(batch, "of_float32", f32, VALUES, too_few, ROWS, &error));
    REFUSED(SG_INVALID_INPUT, "add up to", sg_batch_set_ragged_f32(batch, "of_float32", f32, VALUES, endless, ROWS, &error));
    REFUSED(SG_INVALID_INPUT, "room for 5 rows", sg_batch_set_ragged_f32(batch, "of_float32", f32, VALUES, six, ROWS + 2, &error));
    REFUSED(SG_INVALID_INPUT, "float32", sg_batch_set_ragged_i32(batch, "of_float32", i32, VALUES, row_lengths, ROWS, &error));
    REFUSED(SG_INVALID_INPUT, "strings", sg_batch_set_ragged_strings(batch, "of_float32", strings, VALUES, row_lengths, ROWS, &error));
    REFUSED(SG_INVALID_INPUT, "string", sg_batch_set_ragged_f32(batch, "of_string", f32, VALUES, row_lengths, ROWS, &error));
    REFUSED(SG_INVALID_INPUT, "of_float32 is ragged", sg_batch_set_f32(batch, "of_float32", f32, ROWS, &error));
    REFUSED(SG_INVALID_INPUT, "of_string is ragged", sg_batch_set_strings(batch, "of_string", strings, ROWS, &error));
    REFUSED(SG_INVALID_INPUT, "value takes 1", sg_batch_set_ragged_f32(batch, "value", value, ROWS, (size_t[]){1, 1, 1, 1}, ROWS, &error));
    REFUSED(SG_INVALID_INPUT, "no_such", sg_batch_set_ragged_f32(batch, "no_such", f32, VALUES, row_lengths, ROWS, &error));
    REFUSED(SG_INVALID_INPUT, "dtype", sg_batch_set_ragged(batch, "of_float32", 99, f32, VALUES, row_lengths, ROWS, &error));
    REFUSED(SG_INVALID_INPUT, "bool", sg_batch_set_ragged_bool(batch, "of_bool", (const void *)"\2", 1, (size_t[]){1}, 1, &error));
    REFUSED(SG_NULL_POINTER, "values", sg_batch_set_ragged_f32(batch, "of_float32", NULL, VALUES, row_lengths, ROWS, &error));
    REFUSED(SG_NULL_POINTER, "row_lengths", sg_batch_set_ragged_f32(batch, "of_float32", f32, VALUES, NULL, ROWS, &error));
    REFUSED(SG_NULL_POINTER, "column", sg_batch_set_ragged_f32(batch, NULL, f32, VALUES, row_lengths, ROWS, &error));
    const void *odd = (const char *)f32 + 1, *odd_lengths = (const char *)row_lengths + 1;
    REFUSED(SG_MISALIGNED, "values", sg_batch_set_ragged_f32(batch, "of_float32", odd, VALUES - 1, row_lengths, ROWS, &error));
    REFUSED(SG_MISALIGNED, "row_lengths", sg_batch_set_ragged_f32(batch, "of_float32", f32, VALUES, odd_lengths, ROWS - 1, &error));
    REFUSED(SG_CLOSED, "batch", sg_batch_set_ragged_f32((sg_batch){0}, "of_float32", f32, VALUES, row_lengths, ROWS, &error));
    REFUSED(SG_CLOSED, "batch", sg_batch_set_event_time((sg_batch){0}, 0, &error));
    REFUSED(SG_INVALID_INPUT, "since 1970", sg_batch_set_event_time(batch, -1, &error));
    sg_field numbers = {"of_string", SG_FLOAT32, f32, VALUES}, words = {"of_float32", SG_STRING, strings, VALUES};
    sg_field several = {"value", SG_STRING, strings, 2}, large = {"of_int64", SG_UINT64, u64, 2};
    REFUSED(SG_INVALID_INPUT, "of_string takes strings", sg_batch_add(batch, &numbers, 1, &error));
    REFUSED(SG_INVALID_INPUT, "of_float32", sg_batch_add(batch, &words, 1, &error));
    REFUSED(SG_INVALID_INPUT, "value takes one value, not 2", sg_batch_add(batch, &several, 1, &error));
    REFUSED(SG_INVALID_INPUT, "9223372036854775808 does not fit int64", sg_batch_add(batch, &large, 1, &error));
    predicts_the_sums(trainer);
    /* One row too few in one column is seen when the batch is used. */
    OK(sg_batch_set_ragged_f32(batch, "of_float32", f32, 5, row_lengths, ROWS - 1, &error));
    sg_predictions none = SG_PREDICTIONS(NULL, 0);
    REFUSED(SG_INVALID_INPUT, "of_float32 has 3 rows, other columns 4", sg_trainer_predict(trainer, batch, &none, &error));
}

static const sg_bytes users[ROWS] = {{"ann", 3}, {"bob", 3}, {"eve", 3}, {"ann", 3}};
static const int64_t items[VALUES] = {1, 2, 3, INT64_MIN, 1, 1};
static const float hour[ROWS] = {0, 1, 2, 3}, clicked[ROWS] = {1, 0, 1, 0};

/* One step on the same rows, which differ in their ids only. */
static void learns(sg_trainer trainer, float clicks[ROWS])
{
    sg_report report = SG_REPORT(clicks, ROWS);
    REFUSED(SG_INVALID_INPUT, "set the batch's event time: the rows of table item expire by it",
            sg_trainer_step(trainer, batch, &report, &error));
    OK(sg_batch_set_event_time(batch, INT64_C(1767225600000), &error));
    OK(sg_trainer_step(trainer, batch, &report, &error));
    REQUIRE(report.rows == ROWS && report.version == 1);
    OK(sg_batch_clear(batch, &error));
}

static void learns_of_ids(const char *path)
{
    sg_trainer one, two;
    float columns_first[ROWS], rows_first[ROWS];
    OK(sg_trainer_open(path, NULL, &one, &error));
    OK(sg_trainer_open(path, NULL, &two, &error));
    OK(sg_batch_new(one, ROWS, &batch, &error));
    OK(sg_batch_set_strings(batch, "user", users, ROWS, &error));
    OK(sg_batch_set_ragged_strings(batch, "friends", strings, VALUES, row_lengths, ROWS, &error));
    OK(sg_batch_set_ragged_i64(batch, "items", items, VALUES, row_lengths, ROWS, &error));
    OK(sg_batch_set_f32(batch, "hour", hour, ROWS, &error));
    OK(sg_batch_set_f32(batch, "clicked", clicked, ROWS, &error));
    learns(one, columns_first);
    for (size_t row = 0, first = 0; row < ROWS; first += row_lengths[row++]) {
        const sg_field fields[] = {{"user", SG_STRING, &users[row], 1},
                                   {"friends", SG_STRING, &strings[first], row_lengths[row]},
                                   {"items", SG_INT64, &items[first], row_lengths[row]},
                                   {"hour", SG_FLOAT32, &hour[row], 1},
                                   {"clicked", SG_FLOAT32, &clicked[row], 1}};
        OK(sg_batch_add(batch, fields, sizeof fields / sizeof *fields, &error));
    }
    /* The event time went with the rows. */
    learns(two, rows_first);
    REQUIRE(memcmp(columns_first, rows_first, sizeof columns_first) == 0);
    for (int row = 1; row < ROWS; row++)
        REQUIRE(columns_first[row] != columns_first[row - 1]);
    CLOSES(sg_batch_close(batch));
    CLOSES(sg_trainer_close(one));
    CLOSES(sg_trainer_close(two));
}

int main(int argc, char **argv)
{
    sg_trainer trainer;
    OK(sg_trainer_open(bundle(argc, argv, "every_ragged"), NULL, &trainer, &error));
    OK(sg_batch_new(trainer, ROWS + 1, &batch, &error));
    describes(trainer);
    by_dtype();
    predicts_the_sums(trainer);
    OK(sg_batch_clear(batch, &error));
    by_row();
    predicts_the_sums(trainer);
    OK(sg_trainer_step(trainer, batch, NULL, &error));
    CLOSES(sg_trainer_close(trainer));
    OK(sg_trainer_open(bundle(argc, argv, "every_ragged"), NULL, &trainer, &error));
    by_column();
    predicts_the_sums(trainer);
    refuses(trainer);
    CLOSES(sg_batch_close(batch));
    CLOSES(sg_trainer_close(trainer));
    learns_of_ids(bundle(argc, argv, "ids"));
    printf("three ways, one prediction; %d refusals changed nothing\n", refusals);
    return 0;
}
