/* What the programs share that work with a folder of snapshots. */
#ifndef FOLDER_H
#define FOLDER_H

#include <inttypes.h>
#include <stddef.h>
#include <time.h>

#include "check.h"

enum { ROWS = 8 };

static const char *flights;
static char model[4096]; /* the folder of most stores here */

/* The bundle, and the folder of the store, which is not there yet. */
static inline void begin(int argc, char **argv)
{
    flights = bundle(argc, argv, "flights");
    REQUIRE(argc == 3);
    snprintf(model, sizeof model, "%s/model", argv[2]);
}

static inline void pause_for(long milliseconds)
{
    nanosleep(&(struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000}, NULL);
}

static inline sg_status open_at(const sg_folder_store *store, sg_trainer *trainer)
{
    sg_trainer_options options = SG_TRAINER_OPTIONS_INIT;
    options.metrics_window = 16;
    options.store = store;
    return sg_trainer_open(flights, &options, trainer, &error);
}

/* A store that saves only when it is told to. */
static inline sg_folder_store quiet(const char *folder)
{
    sg_folder_store store = SG_FOLDER_STORE(folder);
    store.every_seconds = SG_NEVER;
    store.on_close = SG_NEVER;
    return store;
}

/* The next steps of a stream whose position the trainer knows. */
static inline void learn(sg_trainer trainer, int steps)
{
    sg_batch batch;
    OK(sg_batch_new(trainer, ROWS, &batch, &error));
    for (int i = 0; i < steps; i++) {
        uint64_t next = 0;
        size_t bytes;
        OK(sg_trainer_position(trainer, NULL, 0, &bytes, &error));
        REQUIRE(bytes == 0 || bytes == sizeof next);
        if (bytes != 0)
            OK(sg_trainer_position(trainer, &next, sizeof next, &bytes, &error));
        float numbers[ROWS * 4], late[ROWS];
        for (int j = 0; j < ROWS * 4; j++)
            numbers[j] = (float)((next * 5 + (uint64_t)j * 7) % 11) / 11;
        for (int j = 0; j < ROWS; j++)
            late[j] = (float)((next + (uint64_t)j) % 2);
        OK(sg_batch_set_f32(batch, "numbers", numbers, ROWS * 4, &error));
        OK(sg_batch_set_f32(batch, "late", late, ROWS, &error));
        next++;
        float p[ROWS];
        sg_report report = SG_REPORT(p, ROWS);
        OK(sg_trainer_step_to(trainer, batch, &next, sizeof next, &report, &error));
        REQUIRE(report.version == next && report.rows == ROWS);
    }
    CLOSES(sg_batch_close(batch));
}

/* What the model predicts, and where it is. */
typedef struct {
    float predictions[ROWS];
    uint64_t version, position;
    double auc, window;
} state;

static inline void asked(sg_batch batch)
{
    float numbers[ROWS * 4];
    for (int i = 0; i < ROWS * 4; i++)
        numbers[i] = (float)(i * 3 % 13) / 13;
    OK(sg_batch_set_f32(batch, "numbers", numbers, ROWS * 4, &error));
}

static inline state look(sg_trainer trainer)
{
    state found = {{0}, 0, 0, 0, 0};
    sg_batch batch;
    OK(sg_batch_new(trainer, ROWS, &batch, &error));
    asked(batch);
    sg_predictions predictions = SG_PREDICTIONS(found.predictions, ROWS);
    OK(sg_trainer_predict(trainer, batch, &predictions, &error));
    CLOSES(sg_batch_close(batch));
    size_t bytes;
    OK(sg_trainer_position(trainer, &found.position, sizeof found.position, &bytes, &error));
    sg_metric auc = {"auc", 0, 0};
    OK(sg_trainer_metrics(trainer, &auc, 1, &error));
    found.version = predictions.version;
    found.auc = auc.value;
    found.window = auc.window;
    return found;
}

static inline int same(state one, state other)
{
    return memcmp(&one, &other, sizeof one) == 0;
}

static inline sg_store_status status_of(sg_trainer trainer)
{
    sg_store_status status = SG_STORE_STATUS_INIT;
    OK(sg_trainer_store_status(trainer, &status, &error));
    REQUIRE((status.failures == 0) == (status.message[0] == 0));
    return status;
}

static inline sg_store_status until_saved(sg_trainer trainer, uint64_t number)
{
    for (int i = 0; i < 2000; i++) {
        sg_store_status status = status_of(trainer);
        if (status.has_saved && status.saved.number == number)
            return status;
        pause_for(10);
    }
    printf("version %d was not saved\n", (int)number);
    exit(1);
}

static inline size_t kept(sg_trainer trainer, sg_kept_version versions[8])
{
    size_t asked, count;
    OK(sg_trainer_kept_versions(trainer, NULL, 0, &asked, &error));
    OK(sg_trainer_kept_versions(trainer, versions, 8, &count, &error));
    REQUIRE(asked == count);
    return count;
}

static inline int equal(sg_version_id one, sg_version_id other)
{
    return one.lineage == other.lineage && one.number == other.number;
}

/* Turns one bit of a file near its end. */
static inline void turn_a_bit(const char *path)
{
    FILE *file = fopen(path, "r+b");
    REQUIRE(file != NULL && fseek(file, -3, SEEK_END) == 0);
    const int byte = fgetc(file);
    REQUIRE(byte != EOF && fseek(file, -3, SEEK_END) == 0 && fputc(byte ^ 1, file) != EOF && fclose(file) == 0);
}

/* The same with what predicts of a snapshot. */
static inline void damage(const char *folder, sg_version_id version)
{
    char path[4400];
    snprintf(path, sizeof path, "%s/snapshots/%016" PRIx64 "-%" PRIu64 "/model.safetensors", folder, version.lineage, version.number);
    turn_a_bit(path);
}

/* Makes the folder one of a format that is not known yet. */
static inline void renew_format(const char *folder)
{
    char path[4400];
    snprintf(path, sizeof path, "%s/store.json", folder);
    FILE *file = fopen(path, "wb");
    REQUIRE(file != NULL && fputs("{\"format\": 2, \"kind\": \"streamgrad store\"}", file) >= 0 && fclose(file) == 0);
}

#endif
