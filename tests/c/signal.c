/* A process that is told to end saves what it learned, and ends by the signal. signal BUNDLES FOLDER */
#include <signal.h>
#include <unistd.h>

#include "check.h"

int main(int argc, char **argv)
{
    const float numbers[4] = {0.1f, 0.2f, 0.3f, 0.4f}, late = 1;
    sg_trainer trainer;
    sg_batch batch;
    REQUIRE(argc == 3);
    sg_folder_store store = SG_FOLDER_STORE(argv[2]);
    store.every_seconds = SG_NEVER;
    sg_trainer_options options = SG_TRAINER_OPTIONS_INIT;
    options.store = &store;
    OK(sg_trainer_open(bundle(argc, argv, "flights"), &options, &trainer, &error));
    OK(sg_trainer_save_on_signal(trainer, &error));
    OK(sg_batch_new(trainer, 1, &batch, &error));
    OK(sg_batch_set_f32(batch, "numbers", numbers, 4, &error));
    OK(sg_batch_set_f32(batch, "late", &late, 1, &error));
    for (int i = 0; i < 3; i++)
        OK(sg_trainer_step(trainer, batch, NULL, &error));
    REQUIRE(raise(SIGTERM) == 0);
    for (int i = 0; i < 60; i++)
        sleep(1);
    printf("nobody ended this\n");
    return 0;
}
