/*
 * What a folder keeps: a trainer that is closed and opened again goes on with the same bits, and goes back.
 *
 * store BUNDLES FOLDER: the second is an empty folder to work in.
 */
#include <pthread.h>
#include <unistd.h>

#include "folder.h"

/* The SavedModel in `folder/NUMBER` predicts as the trainer did. */
static void serves(const char *folder, uint64_t number, const float wanted[ROWS])
{
    char path[5100];
    float found[ROWS];
    sg_predictor predictor;
    sg_batch batch;
    sg_predictions predictions = SG_PREDICTIONS(found, ROWS);
    snprintf(path, sizeof path, "%s/%" PRIu64, folder, number);
    OK(sg_predictor_follow(path, NULL, NULL, &predictor, &error));
    OK(sg_predictor_batch(predictor, ROWS, &batch, &error));
    asked(batch);
    OK(sg_predictor_predict(predictor, batch, &predictions, &error));
    for (int i = 0; i < ROWS; i++)
        REQUIRE(found[i] - wanted[i] < 1e-6F && wanted[i] - found[i] < 1e-6F);
    CLOSES(sg_batch_close(batch));
    CLOSES(sg_predictor_close(predictor));
}

/* Versions that a store keeps become SavedModels while its trainer goes on. */
static void without_a_trainer(sg_version_id five, const state *at_five, const state *at_seven)
{
    char served[5000], none[4200];
    sg_version_id written;
    sg_saved_model of = SG_SAVED_MODEL(flights);
    snprintf(served, sizeof served, "%s-kept", model);
    snprintf(none, sizeof none, "%s-none", model);
    OK(sg_saved_model_write(&of, served, &written, &error));
    REQUIRE(written.number == 0 && written.lineage != five.lineage);
    of.store = model;
    OK(sg_saved_model_write(&of, served, &written, &error));
    REQUIRE(written.number == 7 && written.lineage == five.lineage);
    of.version = &five;
    OK(sg_saved_model_write(&of, served, NULL, &error));
    serves(served, 5, at_five->predictions);
    serves(served, 7, at_seven->predictions);
    REFUSED(SG_INVALID_INPUT, "there already", sg_saved_model_write(&of, served, NULL, &error));
    REFUSED(SG_NULL_POINTER, "folder", sg_saved_model_write(&of, NULL, NULL, &error));
    const sg_version_id never = {five.lineage, 6};
    of.version = &never;
    REFUSED(SG_INVALID_INPUT, "keeps no version", sg_saved_model_write(&of, served, NULL, &error));
    of.store = NULL;
    REFUSED(SG_INVALID_INPUT, "name the store", sg_saved_model_write(&of, served, NULL, &error));
    of.store = none;
    REFUSED(SG_INVALID_SNAPSHOT, none, sg_saved_model_write(&of, served, NULL, &error));
    of.size = 8;
    REFUSED(SG_INVALID_INPUT, "SG_SAVED_MODEL", sg_saved_model_write(&of, served, NULL, &error));
}

/* Learns, saves, closes, goes on; goes back. */
static void resume_and_roll_back(void)
{
    const sg_folder_store store = SG_FOLDER_STORE(model);
    sg_trainer trainer, other;
    sg_version_id five, made;
    sg_kept_version versions[8];
    OK(open_at(&store, &trainer));
    REQUIRE(!status_of(trainer).has_saved && kept(trainer, versions) == 0);
    learn(trainer, 5);
    OK(sg_trainer_save(trainer, &five, &error));
    REQUIRE(five.number == 5 && five.lineage != 0);
    const sg_store_status saved = status_of(trainer);
    REQUIRE(saved.has_saved == 1 && saved.waiting == 0 && equal(saved.saved, five));
    REQUIRE(kept(trainer, versions) == 1 && equal(versions[0].version, five) && equal(versions[0].base, five));
    REQUIRE(versions[0].bytes > 2 * (4 * 32 + 32 + 32 + 1) * sizeof(float) && versions[0].time_milliseconds == saved.saved_milliseconds);
    const uint64_t now = (uint64_t)time(NULL) * 1000;
    REQUIRE(saved.saved_milliseconds > now - 600000 && saved.saved_milliseconds < now + 600000);
    const state at_five = look(trainer);
    char served[5000], taken[5100];
    sg_version_id written;
    snprintf(served, sizeof served, "%s-served", model);
    snprintf(taken, sizeof taken, "%s/5", served);
    OK(sg_trainer_to_saved_model(trainer, served, &written, &error));
    REQUIRE(equal(written, five));
    REFUSED(SG_INVALID_INPUT, taken, sg_trainer_to_saved_model(trainer, served, NULL, &error));
    REFUSED(SG_NULL_POINTER, "folder", sg_trainer_to_saved_model(trainer, NULL, NULL, &error));
    learn(trainer, 2);
    const state at_seven = look(trainer);
    REQUIRE(at_five.position == 5 && at_seven.position == 7 && memcmp(at_five.predictions, at_seven.predictions, sizeof(float) * ROWS) != 0);

    char process[64];
    snprintf(process, sizeof process, "process %ld on", (long)getpid());
    REFUSED(SG_LOCKED, process, open_at(&store, &other));
    CLOSES(sg_trainer_close(trainer)); /* saves version 7 */

    OK(open_at(&store, &trainer));
    REQUIRE(same(look(trainer), at_seven));
    REQUIRE(kept(trainer, versions) == 2 && equal(versions[1].version, status_of(trainer).saved) && versions[1].version.number == 7);
    REQUIRE(versions[1].version.lineage == five.lineage);
    without_a_trainer(five, &at_five, &at_seven);

    OK(sg_trainer_rollback(trainer, five, &made, &error));
    REQUIRE(made.number == 5 && made.lineage != five.lineage && equal(status_of(trainer).saved, made));
    REQUIRE(same(look(trainer), at_five));
    learn(trainer, 2);
    REQUIRE(same(look(trainer), at_seven));
    OK(sg_trainer_save(trainer, NULL, &error));
    REQUIRE(kept(trainer, versions) == 4 && versions[3].version.lineage == made.lineage && versions[3].version.number == 7);
    CLOSES(sg_trainer_close(trainer));

    /* The same by an option, in a process that begins. */
    sg_folder_store restored = quiet(model);
    restored.restore = &five;
    OK(open_at(&restored, &trainer));
    REQUIRE(same(look(trainer), at_five));
    CLOSES(sg_trainer_close(trainer));
}

static void when_to_save(const char *folder)
{
    sg_trainer trainer;
    sg_kept_version versions[8];
    sg_folder_store store = quiet(folder);
    store.every_steps = 2;
    store.keep_last = 2;
    OK(open_at(&store, &trainer));
    for (uint64_t step = 2; step <= 6; step += 2) {
        learn(trainer, 2);
        until_saved(trainer, step);
    }
    REQUIRE(kept(trainer, versions) == 2 && versions[0].version.number == 4 && versions[1].version.number == 6);
    learn(trainer, 1);
    CLOSES(sg_trainer_close(trainer)); /* saves nothing */
    store.every_steps = 0;
    store.every_seconds = 0.02;
    store.deltas = 4;
    OK(open_at(&store, &trainer));
    REQUIRE(look(trainer).version == 6);
    learn(trainer, 3);
    until_saved(trainer, 9);
    CLOSES(sg_trainer_close(trainer));
}

static void *close_soon(void *trainer)
{
    pause_for(200);
    sg_trainer_close(*(sg_trainer *)trainer);
    return NULL;
}

static void wait_for_the_other(void)
{
    sg_trainer first, second;
    sg_folder_store store = quiet(model);
    pthread_t thread;
    OK(open_at(&store, &first));
    store.wait_seconds = 0.05;
    REFUSED(SG_LOCKED, "open for writing", open_at(&store, &second));
    store.wait_seconds = 30;
    REQUIRE(pthread_create(&thread, NULL, close_soon, &first) == 0);
    OK(open_at(&store, &second));
    REQUIRE(pthread_join(thread, NULL) == 0);
    CLOSES(sg_trainer_close(second));
}

/* The folder goes while a trainer learns: it goes on learning, says so, and saves again when the folder is back. */
static void without_its_folder(void)
{
    char away[4200];
    snprintf(away, sizeof away, "%s.away", model);
    const sg_folder_store store = quiet(model);
    sg_trainer trainer;
    sg_version_id saved = {1, 2};
    OK(open_at(&store, &trainer));
    REQUIRE(rename(model, away) == 0);
    learn(trainer, 1);
    REFUSED(SG_IO, model, sg_trainer_save(trainer, &saved, &error));
    REQUIRE(saved.lineage == 1 && saved.number == 2);
    REFUSED(SG_IO, model, sg_trainer_save(trainer, NULL, &error));
    const sg_store_status failed = status_of(trainer);
    REQUIRE(failed.failures == 2 && strstr(failed.message, model) != NULL && failed.saved.number == 7);
    learn(trainer, 1);
    REQUIRE(rename(away, model) == 0);
    OK(sg_trainer_save(trainer, &saved, &error));
    REQUIRE(saved.number == 9 && status_of(trainer).failures == 0);
    CLOSES(sg_trainer_close(trainer));
}

int main(int argc, char **argv)
{
    char second[4200];
    begin(argc, argv);
    snprintf(second, sizeof second, "%s/second", argv[2]);
    resume_and_roll_back();
    when_to_save(second);
    wait_for_the_other();
    without_its_folder();
    printf("learning goes on bit for bit, %d refusals\n", refusals);
    return 0;
}
