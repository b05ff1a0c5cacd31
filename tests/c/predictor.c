/*
 * A predictor predicts by what a trainer learns, beside it or by way of its folder, and by numbered bundles; it goes back, stays and
 * follows again, under threads that never notice.
 *
 * predictor BUNDLES FOLDER: the second is an empty folder to work in.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "following.h"

enum { THREADS = 2, SWAPS = 20 };

static void beside_a_trainer(void)
{
    sg_trainer trainer;
    sg_predictor predictor;
    sg_version_id pinned, version;
    float values[ROWS];
    OK(sg_trainer_open(flights, NULL, &trainer, &error));
    OK(sg_predictor_of(trainer, &predictor, &error));
    for (int i = 1; i <= 2; i++) {
        learn(trainer, 1);
        const state newest = look(trainer);
        predicts_by(predictor, version_of(predictor), values);
        REQUIRE(version_of(predictor).number == newest.version && memcmp(values, newest.predictions, sizeof values) == 0);
    }
    const sg_serving_status status = serving(predictor);
    REQUIRE(!status.pinned && !status.has_made && status.since_milliseconds == 0 && status.swaps == 0);
    size_t bytes, all;
    OK(sg_predictor_memory(predictor, &bytes, &error));
    OK(sg_trainer_memory(trainer, &all, &error));
    REQUIRE(bytes >= (4 * 32 + 32 + 32 + 1) * sizeof(float) && bytes < all);

    OK(sg_predictor_pin_current(predictor, &pinned, &error));
    REQUIRE(pinned.number == 2);
    learn(trainer, 1);
    predicts_by(predictor, pinned, values);
    REQUIRE(serving(predictor).pinned);
    OK(sg_predictor_unpin(predictor, &error));
    REQUIRE(version_of(predictor).number == 3);
    OK(sg_predictor_pin(predictor, (sg_version_id){SG_ANY_LINEAGE, 3}, &version, &error));
    REQUIRE(version.number == 3 && version.lineage == pinned.lineage);
    REFUSED(SG_UNSUPPORTED, "one version", sg_predictor_switch_to(predictor, pinned, NULL, &error));
    REFUSED(SG_UNSUPPORTED, "roll the trainer back", sg_predictor_rollback(predictor, NULL, &error));

    /* A program that was compiled when predictions did not name the lineage. */
    const sg_batch batch = batch_of(predictor);
    sg_predictions old = SG_PREDICTIONS(values, ROWS);
    old.size = offsetof(sg_predictions, lineage);
    old.lineage = 7;
    OK(sg_predictor_predict(predictor, batch, &old, &error));
    REQUIRE(old.version == 3 && old.lineage == 7);
    CLOSES(sg_trainer_close(trainer));
    OK(sg_predictor_predict(predictor, batch, &old, &error));
    CLOSES(sg_predictor_close(predictor));
    CLOSES(sg_batch_close(batch));
}

/* Versions of a folder: followed, named, gone back to, refused. Leaves the last of them. */
static void by_a_folder(void)
{
    const sg_folder_store store = quiet(model);
    sg_trainer trainer;
    sg_version_id saved[6], version;
    float values[ROWS];
    OK(open_at(&store, &trainer));
    sg_predictor predictor = follow(model);
    const sg_version_id own = version_of(predictor);
    REQUIRE(own.number == 0 && own.lineage != 0);
    predicts_by(predictor, own, values);
    const state blank = look(trainer);
    REQUIRE(memcmp(values, blank.predictions, sizeof values) == 0);
    sg_serving_status status = serving(predictor);
    REQUIRE(!status.has_made && status.age_seconds == 0 && status.since_milliseconds > 0 && status.swaps == 0 && !status.pinned);

    for (int i = 0; i < 3; i++) {
        saved[i] = save(trainer);
        OK(sg_predictor_look(predictor, &version, &error));
        REQUIRE(equal(version, saved[i]));
        predicts_by(predictor, saved[i], values);
        const state newest = look(trainer);
        REQUIRE(memcmp(values, newest.predictions, sizeof values) == 0);
    }
    status = serving(predictor);
    REQUIRE(status.has_made && status.age_seconds >= 0 && status.age_seconds < 600 && status.swaps == 3);
    REQUIRE(status.made_milliseconds == status_of(trainer).saved_milliseconds && status.since_milliseconds >= status.made_milliseconds);

    OK(sg_predictor_rollback(predictor, &version, &error));
    REQUIRE(equal(version, saved[1]));
    OK(sg_predictor_rollback(predictor, NULL, &error));
    REQUIRE(equal(version_of(predictor), saved[0]) && serving(predictor).pinned);
    saved[3] = save(trainer);
    OK(sg_predictor_look(predictor, &version, &error));
    REQUIRE(equal(version, saved[0])); /* it stays */
    OK(sg_predictor_unpin(predictor, &error));
    OK(sg_predictor_look(predictor, NULL, &error));
    predicts_by(predictor, saved[3], values);
    OK(sg_predictor_switch_to(predictor, (sg_version_id){SG_ANY_LINEAGE, 2}, &version, &error));
    REQUIRE(equal(version, saved[1]) && !serving(predictor).pinned);
    OK(sg_predictor_pin(predictor, own, NULL, &error));
    predicts_by(predictor, own, values);
    REQUIRE(memcmp(values, blank.predictions, sizeof values) == 0);
    OK(sg_predictor_unpin(predictor, &error));
    OK(sg_predictor_look(predictor, NULL, &error));

    /* A broken one is refused, and the old one stays. */
    predicts_by(predictor, saved[3], values);
    saved[4] = save(trainer);
    damage(model, saved[4]);
    version = own;
    REFUSED(SG_INVALID_SNAPSHOT, "model.safetensors", sg_predictor_look(predictor, &version, &error));
    REQUIRE(equal(version, own));
    status = serving(predictor);
    REQUIRE(status.problem == SG_INVALID_SNAPSHOT && status.has_refused && equal(status.refused, saved[4]) && status.failures == 1);
    REQUIRE(strstr(status.message, "model.safetensors") != NULL);
    float again[ROWS];
    predicts_by(predictor, saved[3], again);
    REQUIRE(memcmp(values, again, sizeof values) == 0);
    REFUSED(SG_INVALID_SNAPSHOT, "model.safetensors", sg_predictor_switch_to(predictor, saved[4], NULL, &error));
    saved[5] = save(trainer);
    OK(sg_predictor_look(predictor, &version, &error));
    REQUIRE(equal(version, saved[5]) && serving(predictor).problem == SG_OK);
    CLOSES(sg_predictor_close(predictor));

    /* One that looks by itself, with every option, and one of the bundle alone. */
    sg_predictor_options options = SG_PREDICTOR_OPTIONS_INIT;
    const char *const ops[] = {"ReadFile"};
    options.every_seconds = 0.005;
    options.intra_op_threads = 1;
    options.inter_op_threads = SG_THREADS_AUTO;
    options.allowed_ops = ops;
    options.allowed_op_count = 1;
    OK(sg_predictor_follow(flights, model, &options, &predictor, &error));
    version = save(trainer);
    for (int i = 0; !equal(version_of(predictor), version); i++) {
        REQUIRE(i < 2000);
        pause_for(10);
    }
    CLOSES(sg_predictor_close(predictor));
    OK(sg_predictor_follow(flights, NULL, NULL, &predictor, &error));
    predicts_by(predictor, own, values);
    CLOSES(sg_predictor_close(predictor));
    CLOSES(sg_trainer_close(trainer));
}

static void by_numbers(const char *bundles, const char *folder)
{
    const sg_predictor_options options = patient();
    sg_predictor predictor;
    sg_version_id first, version;
    char mlp[4200];
    float values[ROWS];
    snprintf(mlp, sizeof mlp, "%s/mlp-sgd.bundle", bundles);
    REQUIRE(mkdir(folder, 0777) == 0);
    number(flights, folder, 1, 0);
    OK(sg_predictor_numbered(folder, &options, &predictor, &error));
    first = version_of(predictor);
    REQUIRE(first.number == 1);
    number(flights, folder, 2, 0);
    OK(sg_predictor_look(predictor, &version, &error));
    REQUIRE(version.number == 2 && version.lineage == first.lineage);
    predicts_by(predictor, version, values);

    number(flights, folder, 3, 1); /* half copied */
    REFUSED(SG_INVALID_BUNDLE, "initial.safetensors", sg_predictor_look(predictor, NULL, &error));
    REQUIRE(serving(predictor).refused.number == 3 && version_of(predictor).number == 2);
    number(mlp, folder, 4, 0);
    REFUSED(SG_INVALID_BUNDLE, "takes other columns", sg_predictor_look(predictor, NULL, &error));
    REQUIRE(version_of(predictor).number == 2);
    OK(sg_predictor_switch_to(predictor, (sg_version_id){SG_ANY_LINEAGE, 1}, &version, &error));
    REQUIRE(equal(version, first));
    REFUSED(SG_INVALID_INPUT, "4, 3, 2, 1", sg_predictor_switch_to(predictor, (sg_version_id){SG_ANY_LINEAGE, 9}, NULL, &error));
    CLOSES(sg_predictor_close(predictor));
}

static sg_predictor under_load;
static atomic_ullong predicted;

/* Predicts until the predictor is closed: any other end is a failure. */
static void *predict(void *argument)
{
    sg_error mine;
    const sg_batch batch = *(sg_batch *)argument;
    for (;;) {
        float values[ROWS];
        sg_predictions predictions = SG_PREDICTIONS(values, ROWS);
        const sg_status status = sg_predictor_predict(under_load, batch, &predictions, &mine);
        if (status == SG_CLOSED)
            return NULL;
        if (status != SG_OK) {
            printf("%s\n", mine.message);
            abort();
        }
        atomic_fetch_add(&predicted, 1);
    }
}

static void under_threads(const char *folder)
{
    const sg_folder_store store = quiet(folder);
    sg_trainer trainer;
    sg_batch batches[THREADS];
    pthread_t threads[THREADS];
    OK(open_at(&store, &trainer));
    under_load = follow(folder);
    for (int i = 0; i < THREADS; i++) {
        batches[i] = batch_of(under_load);
        REQUIRE(pthread_create(&threads[i], NULL, predict, &batches[i]) == 0);
    }
    for (int i = 0; i < SWAPS; i++) {
        save(trainer);
        OK(sg_predictor_look(under_load, NULL, &error));
    }
    REQUIRE(serving(under_load).swaps == SWAPS);
    const unsigned long long before = atomic_load(&predicted);
    while (atomic_load(&predicted) < before + 100)
        pause_for(1);
    CLOSES(sg_predictor_close(under_load));
    for (int i = 0; i < THREADS; i++) {
        REQUIRE(pthread_join(threads[i], NULL) == 0);
        CLOSES(sg_batch_close(batches[i]));
    }
    CLOSES(sg_trainer_close(trainer));
}

int main(int argc, char **argv)
{
    char second[4200], numbered[4200];
    begin(argc, argv);
    snprintf(second, sizeof second, "%s/second", argv[2]);
    snprintf(numbered, sizeof numbered, "%s/numbered", argv[2]);
    beside_a_trainer();
    by_a_folder();
    by_numbers(argv[1], numbered);
    under_threads(second);
    printf("no call failed for a version, %d refusals\n", refusals);
    return 0;
}
