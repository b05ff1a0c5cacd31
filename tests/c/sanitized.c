/* Does what AddressSanitizer must stop: writes beyond its memory, lets the library do so, or forgets memory. */
#include "check.h"

int main(int argc, char **argv)
{
    REQUIRE(argc == 3);
    float *p = malloc(2 * sizeof *p);
    volatile size_t beyond = 2;
    if (strcmp(argv[2], "program") == 0) {
        p[beyond] = 1;
    } else if (strcmp(argv[2], "leak") == 0) {
        p = NULL;
    } else {
        sg_trainer trainer;
        sg_batch batch;
        const float numbers[8 * 4] = {0};
        OK(sg_trainer_open(bundle(argc, argv, "flights"), NULL, &trainer, &error));
        OK(sg_batch_new(trainer, 8, &batch, &error));
        OK(sg_batch_set_f32(batch, "numbers", numbers, 8 * 4, &error));
        sg_predictions predictions = SG_PREDICTIONS(p, 8);
        OK(sg_trainer_predict(trainer, batch, &predictions, &error));
    }
    free(p);
    printf("nobody noticed\n");
    return 0;
}
