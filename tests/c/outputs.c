/* A model with two outputs: predictions go to memory by name. */
#include "check.h"

int main(int argc, char **argv)
{
    enum { ROWS = 4 };
    sg_trainer trainer;
    OK(sg_trainer_open(bundle(argc, argv, "two_outputs"), NULL, &trainer, &error));
    sg_batch batch;
    OK(sg_batch_new(trainer, ROWS, &batch, &error));
    float numbers[ROWS * 5], size[ROWS * 2];
    for (int i = 0; i < ROWS * 5; i++)
        numbers[i] = (float)i / 20;
    for (int i = 0; i < ROWS * 2; i++)
        size[i] = 1;
    const int64_t kind[ROWS] = {0, 1, 2, 3};
    OK(sg_batch_set_f32(batch, "numbers", numbers, ROWS * 5, &error));
    OK(sg_batch_set_i64(batch, "the_kind", kind, ROWS, &error));
    OK(sg_batch_set_f32(batch, "size", size, ROWS * 2, &error));

    float p[ROWS * 4], kinds[ROWS * 4], sizes[ROWS * 2], again[ROWS * 2];
    sg_predictions one = SG_PREDICTIONS(p, ROWS * 4);
    REFUSED(SG_INVALID_INPUT, "kind, size", sg_trainer_predict(trainer, batch, &one, &error));
    sg_output outputs[] = {{"size", SG_FLOAT32, sizes, ROWS * 2, 0}, {"kind", SG_FLOAT32, kinds, ROWS * 4, 0}};
    sg_predictions predictions = SG_PREDICTIONS_OUTPUTS(outputs, 2);
    OK(sg_trainer_predict(trainer, batch, &predictions, &error));
    REQUIRE(outputs[0].length == ROWS * 2 && outputs[1].length == ROWS * 4 && predictions.rows == ROWS);
    for (int row = 0; row < ROWS; row++) {
        float sum = kinds[row * 4] + kinds[row * 4 + 1] + kinds[row * 4 + 2] + kinds[row * 4 + 3];
        REQUIRE(sum > 0.999f && sum < 1.001f);
    }

    sg_output only_size = {"size", SG_FLOAT32, again, ROWS * 2, 0};
    sg_report report = SG_REPORT_OUTPUTS(&only_size, 1);
    OK(sg_trainer_step(trainer, batch, &report, &error));
    REQUIRE(only_size.length == ROWS * 2 && memcmp(sizes, again, sizeof sizes) == 0);

    outputs[1].capacity = ROWS * 4 - 1;
    outputs[0].length = 99;
    REFUSED(SG_BUFFER_TOO_SMALL, "kind", sg_trainer_predict(trainer, batch, &predictions, &error));
    REQUIRE(outputs[0].length == 99 && memcmp(sizes, again, sizeof sizes) == 0);
    CLOSES(sg_batch_close(batch));
    CLOSES(sg_trainer_close(trainer));
    printf("two outputs, each where it was wanted\n");
    return 0;
}
