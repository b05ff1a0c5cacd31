/* Threads that step, predict and share a batch, while the main thread closes the trainer under them. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "check.h"

enum { THREADS = 4, ROWS = 8 };

static sg_trainer trainer;
static sg_batch shared;
static atomic_ullong learned;

static void fill(sg_batch batch)
{
    float numbers[ROWS * 4] = {0}, late[ROWS] = {0};
    sg_error mine;
    if (sg_batch_set_f32(batch, "numbers", numbers, ROWS * 4, &mine) || sg_batch_set_f32(batch, "late", late, ROWS, &mine))
        abort();
}

/* Steps until the trainer is closed: any other end is a failure. */
static void *work(void *argument)
{
    sg_error mine;
    sg_batch own;
    if (sg_batch_new(trainer, ROWS, &own, &mine) != SG_OK)
        abort();
    fill(own);
    const int predicts = argument != NULL;
    for (int i = 0;; i++) {
        float p[ROWS];
        sg_report report = SG_REPORT(p, ROWS);
        sg_predictions predictions = SG_PREDICTIONS(p, ROWS);
        const sg_batch batch = i % 2 ? own : shared;
        sg_status status =
            predicts ? sg_trainer_predict(trainer, batch, &predictions, &mine) : sg_trainer_step(trainer, batch, &report, &mine);
        if (status == SG_CLOSED)
            break;
        if (status != SG_OK) {
            printf("%s\n", mine.message);
            abort();
        }
        if (!predicts)
            atomic_fetch_add(&learned, 1);
    }
    sg_batch_close(own);
    return NULL;
}

int main(int argc, char **argv)
{
    OK(sg_trainer_open(bundle(argc, argv, "flights"), NULL, &trainer, &error));
    OK(sg_batch_new(trainer, ROWS, &shared, &error));
    fill(shared);
    sg_pin pin;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, work, i % 2 ? &trainer : NULL) == 0);
    uint64_t version = 0;
    while (version < 200) {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
        OK(sg_trainer_version(trainer, &version, &error));
    }
    OK(sg_trainer_pin(trainer, &pin, &error));
    CLOSES(sg_trainer_close(trainer));
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_join(threads[i], NULL) == 0);
    OK(sg_pin_version(pin, &version, &error));
    REQUIRE(version <= atomic_load(&learned) && version >= 200);
    CLOSES(sg_pin_close(pin));
    CLOSES(sg_batch_close(shared));
    printf("closed under four threads\n");
    return 0;
}
