/* Values that may be missing: left out of a row, NaN or empty, in a row or a column; the model's answer says what it saw. */
#include <math.h>

#include "check.h"

enum { ROWS = 4 };

static void answers(sg_trainer trainer, sg_batch batch, const float wanted[ROWS])
{
    float found[ROWS];
    sg_predictions predictions = SG_PREDICTIONS(found, ROWS);
    OK(sg_trainer_predict(trainer, batch, &predictions, &error));
    REQUIRE(predictions.rows == ROWS);
    for (int row = 0; row < ROWS; row++)
        REQUIRE(found[row] - wanted[row] < 1e-3f && wanted[row] - found[row] < 1e-3f);
}

int main(int argc, char **argv)
{
    const float seats[ROWS] = {50, NAN, NAN, 100}, hour[ROWS] = {1, 2, 3, 4}, wanted[ROWS] = {1000.25f, 2110.5f, 3010.5f, 4100.5f};
    const sg_bytes words[ROWS] = {{"a", 1}, {NULL, 0}, {"b", 1}, {"", 0}};
    sg_trainer trainer;
    sg_batch batch;
    OK(sg_trainer_open(bundle(argc, argv, "transforms_gaps"), NULL, &trainer, &error));
    OK(sg_batch_new(trainer, ROWS, &batch, &error));

    sg_bundle described;
    OK(sg_trainer_bundle(trainer, &described, &error));
    for (size_t i = 0; i < 3; i++) {
        sg_tensor tensor = SG_TENSOR_INIT;
        OK(sg_bundle_tensor(described, SG_FEATURE, i, &tensor, &error));
        REQUIRE(tensor.optional == (strcmp(tensor.name, "hour") != 0));
    }
    CLOSES(sg_bundle_close(described));

    OK(sg_batch_set_f32(batch, "seats", seats, ROWS, &error));
    OK(sg_batch_set_f32(batch, "hour", hour, ROWS, &error));
    OK(sg_batch_set_strings(batch, "word", words, ROWS, &error));
    answers(trainer, batch, wanted);

    OK(sg_batch_clear(batch, &error));
    for (int row = 0; row < ROWS; row++) {
        sg_field fields[3] = {{"hour", SG_FLOAT32, &hour[row], 1}};
        size_t count = 1;
        if (row == 0 || row == 3)
            fields[count++] = (sg_field){"seats", SG_FLOAT32, &seats[row], 1};
        if (words[row].length)
            fields[count++] = (sg_field){"word", SG_STRING, &words[row], 1};
        OK(sg_batch_add(batch, fields, count, &error));
    }
    answers(trainer, batch, wanted);

    OK(sg_batch_clear(batch, &error));
    sg_field only[1] = {{"seats", SG_FLOAT32, seats, 1}};
    REFUSED(SG_INVALID_INPUT, "the row lacks hour", sg_batch_add(batch, only, 1, &error));
    OK(sg_batch_set_f32(batch, "seats", seats, ROWS, &error));
    OK(sg_batch_set_f32(batch, "hour", seats, ROWS, &error));
    OK(sg_batch_set_strings(batch, "word", words, ROWS, &error));
    sg_predictions none = SG_PREDICTIONS(NULL, 0);
    REFUSED(SG_INVALID_INPUT, "row 1: hour is NaN", sg_trainer_predict(trainer, batch, &none, &error));
    CLOSES(sg_batch_close(batch));
    CLOSES(sg_trainer_close(trainer));
    printf("gaps filled, by column and by row; %d refusals\n", refusals);
    return 0;
}
