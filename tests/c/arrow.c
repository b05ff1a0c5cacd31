/* Record batches by Arrow's C data interface: in place and copied, they predict and teach what the same values do by column. */
#include "arrow.h"
#include "check.h"

enum { ROWS = 4, NUMBERS = 13, KINDS = 3, FIELDS = 5 };

static sg_batch batch;

/* One column of lists of 13 floats, one of labels: both as the model wants them. */
static void in_place(const char *path)
{
    sg_trainer by_column, by_arrow;
    OK(sg_trainer_open(path, NULL, &by_column, &error));
    OK(sg_trainer_open(path, NULL, &by_arrow, &error));
    OK(sg_batch_new(by_column, ROWS, &batch, &error));
    float numbers[ROWS * NUMBERS], wanted[ROWS * KINDS], found[ROWS * KINDS];
    for (int i = 0; i < ROWS * NUMBERS; i++)
        numbers[i] = (float)i / 50;
    const int64_t label[ROWS] = {0, 1, 2, 1};
    OK(sg_batch_set_f32(batch, "numbers", numbers, ROWS * NUMBERS, &error));
    OK(sg_batch_set_i64(batch, "label", label, ROWS, &error));
    sg_report report = SG_REPORT(wanted, ROWS * KINDS);
    OK(sg_trainer_step(by_column, batch, &report, &error));
    const double loss = report.loss;

    struct ArrowArray array;
    struct ArrowSchema schema;
    make_record_batch(&array, &schema, ROWS, 2);
    make_array(array.children[0], ROWS, 1, 1);
    make_schema(schema.children[0], "+w:13", "numbers", 1);
    make_numbers(array.children[0]->children[0], schema.children[0]->children[0], "f", "item", ROWS * NUMBERS, numbers, NULL);
    make_numbers(array.children[1], schema.children[1], "l", "label", ROWS, label, NULL);
    OK(sg_batch_import_arrow(batch, &array, &schema, NULL, 0, NULL, &error));
    REQUIRE(array.release == NULL && schema.release == NULL);
    /* The values are still the host's, so it is not told that they are done with. */
    REQUIRE(released_arrays == 0 && released_schemas == 1);
    size_t rows;
    OK(sg_batch_rows(batch, &rows, &error));
    REQUIRE(rows == ROWS);
    REFUSED(SG_INVALID_INPUT, "clear", sg_batch_set_i64(batch, "label", label, ROWS, &error));
    report = (sg_report)SG_REPORT(found, ROWS * KINDS);
    OK(sg_trainer_step(by_arrow, batch, &report, &error));
    REQUIRE(report.loss == loss && memcmp(wanted, found, sizeof wanted) == 0 && released_arrays == 0);
    REFUSED(SG_INVALID_INPUT, "released", sg_batch_import_arrow(batch, &array, &schema, NULL, 0, NULL, &error));
    sg_evaluation evaluation = SG_EVALUATION_INIT;
    OK(sg_trainer_evaluate(by_arrow, &batch, 1, &evaluation, &error));
    REQUIRE(evaluation.rows == ROWS && released_arrays == 0);
    OK(sg_batch_clear(batch, &error));
    REQUIRE(released_arrays == 1);
    OK(sg_batch_set_i64(batch, "label", label, ROWS, &error));
    CLOSES(sg_batch_close(batch));
    CLOSES(sg_trainer_close(by_column));
    CLOSES(sg_trainer_close(by_arrow));
}

/* Five columns of floats, of which four fill one feature; the label is a whole number. */
static void flights(struct ArrowArray *array, struct ArrowSchema *schema, const float *values, const int8_t *late, const uint8_t *validity)
{
    static const char *const names[FIELDS - 1] = {"hour", "distance", "seats", "wind"};
    make_record_batch(array, schema, ROWS, FIELDS);
    for (int i = 0; i < FIELDS - 1; i++)
        make_numbers(array->children[i], schema->children[i], "f", names[i], ROWS, values + i * ROWS, i == 2 ? validity : NULL);
    make_numbers(array->children[FIELDS - 1], schema->children[FIELDS - 1], "c", "late", ROWS, late, NULL);
}

static void copied(const char *path)
{
    sg_trainer trainer;
    OK(sg_trainer_open(path, NULL, &trainer, &error));
    OK(sg_batch_new(trainer, ROWS, &batch, &error));
    float columns[(FIELDS - 1) * ROWS], numbers[ROWS * 4], wanted[ROWS], found[ROWS];
    for (int i = 0; i < ROWS * 4; i++)
        columns[i % 4 * ROWS + i / 4] = numbers[i] = (float)i / 10;
    OK(sg_batch_set_f32(batch, "numbers", numbers, ROWS * 4, &error));
    sg_predictions predictions = SG_PREDICTIONS(wanted, ROWS);
    OK(sg_trainer_predict(trainer, batch, &predictions, &error));

    const int8_t late[ROWS] = {0, 1, 1, 0}, one_wrong[ROWS] = {0, 1, 1, 7};
    struct ArrowArray array;
    struct ArrowSchema schema;
    size_t refused = 99;
    flights(&array, &schema, columns, late, NULL);
    OK(sg_batch_import_arrow(batch, &array, &schema, NULL, 0, &refused, &error));
    REQUIRE(refused == 0 && array.release == NULL && released_arrays == 2 && released_schemas == 2);
    predictions = (sg_predictions)SG_PREDICTIONS(found, ROWS);
    OK(sg_trainer_predict(trainer, batch, &predictions, &error));
    REQUIRE(predictions.rows == ROWS && memcmp(wanted, found, sizeof wanted) == 0);

    /* The second row has no seats; the last one's label is none. */
    const uint8_t validity = 0x0d;
    flights(&array, &schema, columns, one_wrong, &validity);
    REFUSED(SG_INVALID_INPUT, "row 1: seats", sg_batch_import_arrow(batch, &array, &schema, NULL, 0, NULL, &error));
    REQUIRE(array.release == NULL && released_arrays == 3);
    size_t rows;
    OK(sg_batch_rows(batch, &rows, &error));
    REQUIRE(rows == ROWS);
    sg_refusal told[2];
    for (size_t capacity = 0; capacity <= 2; capacity++) {
        flights(&array, &schema, columns, one_wrong, &validity);
        memset(told, 0x7f, sizeof told);
        OK(sg_batch_import_arrow(batch, &array, &schema, told, capacity, &refused, &error));
        REQUIRE(refused == 2 && (told[1].row == 3) == (capacity == 2));
        REQUIRE(capacity == 0 || (told[0].row == 1 && strncmp(told[0].reason, "seats", 5) == 0));
        OK(sg_batch_rows(batch, &rows, &error));
        REQUIRE(rows == ROWS - 2);
    }
    OK(sg_trainer_step(trainer, batch, NULL, &error));

    /* What the call never came to is the host's still. */
    const int arrays = released_arrays;
    flights(&array, &schema, columns, late, NULL);
    REFUSED(SG_NULL_POINTER, "schema", sg_batch_import_arrow(batch, &array, NULL, NULL, 0, NULL, &error));
    REFUSED(SG_NULL_POINTER, "refusals", sg_batch_import_arrow(batch, &array, &schema, NULL, 3, NULL, &error));
    CLOSES(sg_batch_close(batch));
    REFUSED(SG_CLOSED, "batch", sg_batch_import_arrow(batch, &array, &schema, NULL, 0, NULL, &error));
    REQUIRE(array.release && schema.release && released_arrays == arrays);
    array.release(&array);
    schema.release(&schema);
    CLOSES(sg_trainer_close(trainer));
}

int main(int argc, char **argv)
{
    in_place(bundle(argc, argv, "mlp-sgd"));
    copied(bundle(argc, argv, "flights"));
    printf("record batches, in place and copied; %d refusals\n", refusals);
    return 0;
}
