/*
 * What a trainer refuses to learn, and who tells it to pause, go on, stop.
 *
 * control BUNDLES FOLDER: the second is an empty folder to work in.
 */
#include <math.h>
#include <unistd.h>

#include "folder.h"

static sg_training_status training(sg_trainer trainer)
{
    sg_training_status status = SG_TRAINING_STATUS_INIT;
    OK(sg_trainer_status(trainer, &status, &error));
    REQUIRE((status.learning == SG_PAUSED) == (status.message[0] != 0));
    return status;
}

static sg_trainer guarded(const sg_guard *guard)
{
    const sg_folder_store store = quiet(model);
    sg_trainer_options options = SG_TRAINER_OPTIONS_INIT;
    sg_trainer trainer;
    options.store = &store;
    options.guard = guard;
    OK(sg_trainer_open(flights, &options, &trainer, &error));
    return trainer;
}

/* A batch whose numbers are all this one. */
static sg_batch batch_of(sg_trainer trainer, float number)
{
    sg_batch batch;
    float numbers[ROWS * 4], late[ROWS];
    for (int i = 0; i < ROWS * 4; i++)
        numbers[i] = number;
    for (int i = 0; i < ROWS; i++)
        late[i] = (float)(i % 2); /* half of them predicted wrong */
    OK(sg_batch_new(trainer, ROWS, &batch, &error));
    OK(sg_batch_set_f32(batch, "numbers", numbers, ROWS * 4, &error));
    OK(sg_batch_set_f32(batch, "late", late, ROWS, &error));
    return batch;
}

static void poisoned_batches_wait(void)
{
    sg_guard guard = SG_GUARD_INIT;
    guard.after = 3;
    guard.quarantine = 2;
    sg_trainer trainer = guarded(&guard);
    learn(trainer, 64);
    const sg_version_id last = training(trainer).version;
    REQUIRE(last.number == 64 && training(trainer).limit > training(trainer).norm);
    const sg_batch huge = batch_of(trainer, -3e38f), large = batch_of(trainer, 3e3f), usual = batch_of(trainer, 0.5f);
    const char position[] = "seven";
    REFUSED(SG_NON_FINITE, "loss", sg_trainer_step(trainer, huge, NULL, &error));
    REFUSED(SG_OUTLIER, "norm", sg_trainer_step_to(trainer, large, position, sizeof position, NULL, &error));
    REFUSED(SG_OUTLIER, "paused", sg_trainer_step(trainer, large, NULL, &error));
    REFUSED(SG_PAUSED, "resume", sg_trainer_step(trainer, usual, NULL, &error));
    const sg_training_status paused = training(trainer);
    REQUIRE(paused.learning == SG_PAUSED && paused.not_finite == 1 && paused.outliers == 2 && paused.responses == 1);
    REQUIRE(paused.quarantined == 2 && paused.dropped == 1 && equal(paused.version, last) && paused.norm > paused.limit);

    char bytes[8];
    sg_quarantined entry = SG_QUARANTINED_INIT(bytes, 5);
    REFUSED(SG_BUFFER_TOO_SMALL, "position", sg_trainer_drain(trainer, &entry, &error));
    entry.position_capacity = sizeof bytes;
    OK(sg_trainer_drain(trainer, &entry, &error));
    REQUIRE(entry.rows == ROWS && entry.reason == SG_OUTLIER && equal(entry.version, last) && strstr(entry.message, "norm") != NULL);
    REQUIRE(entry.position_bytes == sizeof position && strcmp(bytes, position) == 0 && entry.time_milliseconds > 1700000000000);
    /* What waited are the rows that were refused. */
    float expected[ROWS], found[ROWS];
    sg_predictions predictions = SG_PREDICTIONS(expected, ROWS);
    OK(sg_trainer_predict(trainer, large, &predictions, &error));
    predictions = (sg_predictions)SG_PREDICTIONS(found, ROWS);
    OK(sg_trainer_predict(trainer, entry.batch, &predictions, &error));
    REQUIRE(memcmp(expected, found, sizeof found) == 0);
    OK(sg_trainer_resume(trainer, &error));
    REFUSED(SG_OUTLIER, "norm", sg_trainer_step(trainer, entry.batch, NULL, &error));
    CLOSES(sg_batch_close(entry.batch));
    for (int i = 0; i < 2; i++) {
        entry = (sg_quarantined)SG_QUARANTINED_INIT(NULL, 0);
        OK(sg_trainer_drain(trainer, &entry, &error));
        REQUIRE(entry.batch.id != 0 && entry.position_bytes == 0);
        CLOSES(sg_batch_close(entry.batch));
    }
    OK(sg_trainer_drain(trainer, &entry, &error));
    REQUIRE(entry.batch.id == 0 && training(trainer).quarantined == 0);
    OK(sg_trainer_step(trainer, usual, NULL, &error));
    REQUIRE(training(trainer).in_row == 0);
    CLOSES(sg_trainer_close(trainer));
}

static void many_go_back(void)
{
    sg_guard guard = SG_GUARD_INIT;
    guard.after = 2;
    guard.response = SG_ROLL_BACK;
    sg_trainer trainer = guarded(&guard);
    sg_version_id saved;
    learn(trainer, 70);
    OK(sg_trainer_save(trainer, &saved, &error));
    learn(trainer, 2);
    const sg_batch large = batch_of(trainer, 3e3f);
    REFUSED(SG_OUTLIER, "norm", sg_trainer_step(trainer, large, NULL, &error));
    REFUSED(SG_OUTLIER, "went back", sg_trainer_step(trainer, large, NULL, &error));
    const sg_version_id now = training(trainer).version;
    REQUIRE(now.number == saved.number && now.lineage != saved.lineage && training(trainer).learning == SG_OK);
    CLOSES(sg_trainer_close(trainer));
}

static void steered(void)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/control.sock", model);
    sg_trainer trainer = guarded(NULL);
    REQUIRE(access(path, F_OK) == 0 && isnan(training(trainer).limit));
    const sg_batch usual = batch_of(trainer, 0.5f);
    OK(sg_trainer_set_learning_rate(trainer, 0.25, &error));
    REFUSED(SG_INVALID_INPUT, "learning rate", sg_trainer_set_learning_rate(trainer, -1.0, &error));
    REQUIRE(training(trainer).learning_rate == 0.25);
    OK(sg_trainer_pause(trainer, &error));
    REFUSED(SG_PAUSED, "host", sg_trainer_step(trainer, usual, NULL, &error));
    OK(sg_trainer_resume(trainer, &error));
    OK(sg_trainer_step(trainer, usual, NULL, &error));
    sg_version_id saved;
    OK(sg_trainer_stop(trainer, &saved, &error));
    const sg_training_status stopped = training(trainer);
    REQUIRE(stopped.learning == SG_STOPPED && equal(stopped.version, saved) && stopped.has_saved && equal(stopped.saved, saved));
    REFUSED(SG_STOPPED, "stopped", sg_trainer_step(trainer, usual, NULL, &error));
    REFUSED(SG_STOPPED, "stopped", sg_trainer_resume(trainer, &error));
    CLOSES(sg_trainer_close(trainer));
    REQUIRE(access(path, F_OK) != 0);
    REFUSED(SG_CLOSED, "trainer", sg_trainer_pause(trainer, &error));

    const sg_folder_store store = quiet(model);
    sg_trainer_options options = SG_TRAINER_OPTIONS_INIT;
    options.store = &store;
    options.control = 1;
    REFUSED(SG_INVALID_INPUT, "control", sg_trainer_open(flights, &options, &trainer, &error));
    options.control = SG_NEVER;
    sg_guard guard = SG_GUARD_INIT;
    options.guard = &guard;
    guard.response = 7;
    REFUSED(SG_INVALID_INPUT, "response", sg_trainer_open(flights, &options, &trainer, &error));
    guard.response = SG_ROLL_BACK;
    guard.factor = 0.5;
    REFUSED(SG_INVALID_INPUT, "factor", sg_trainer_open(flights, &options, &trainer, &error));
    guard.factor = 0;
    options.store = NULL;
    REFUSED(SG_UNSUPPORTED, "open it with a folder", sg_trainer_open(flights, &options, &trainer, &error));
    options.store = &store;
    OK(sg_trainer_open(flights, &options, &trainer, &error));
    REQUIRE(access(path, F_OK) != 0 && equal(training(trainer).version, saved));
    CLOSES(sg_trainer_close(trainer));
}

int main(int argc, char **argv)
{
    begin(argc, argv);
    poisoned_batches_wait();
    many_go_back();
    steered();
    printf("a trainer is guarded and steered, %d refusals\n", refusals);
    return 0;
}
