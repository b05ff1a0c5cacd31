/* What the programs share that predict by versions that come and go. */
#ifndef FOLLOWING_H
#define FOLLOWING_H

#include <sys/stat.h>

#include "folder.h"

/* Looks only when it is told to. */
static inline sg_predictor_options patient(void)
{
    sg_predictor_options options = SG_PREDICTOR_OPTIONS_INIT;
    options.every_seconds = SG_NEVER;
    return options;
}

static inline sg_predictor follow(const char *folder)
{
    const sg_predictor_options options = patient();
    sg_predictor predictor;
    OK(sg_predictor_follow(flights, folder, &options, &predictor, &error));
    return predictor;
}

/* A batch that the predictor made, of the rows that `look` predicts. */
static inline sg_batch batch_of(sg_predictor predictor)
{
    sg_batch batch;
    float numbers[ROWS * 4];
    for (int i = 0; i < ROWS * 4; i++)
        numbers[i] = (float)(i * 3 % 13) / 13;
    OK(sg_predictor_batch(predictor, ROWS, &batch, &error));
    OK(sg_batch_set_f32(batch, "numbers", numbers, ROWS * 4, &error));
    return batch;
}

static inline sg_version_id version_of(sg_predictor predictor)
{
    sg_version_id version;
    OK(sg_predictor_version(predictor, &version, &error));
    return version;
}

/* Predicts by this version. */
static inline void predicts_by(sg_predictor predictor, sg_version_id version, float values[ROWS])
{
    const sg_batch batch = batch_of(predictor);
    sg_predictions predictions = SG_PREDICTIONS(values, ROWS);
    OK(sg_predictor_predict(predictor, batch, &predictions, &error));
    REQUIRE(predictions.rows == ROWS && predictions.version == version.number && predictions.lineage == version.lineage);
    REQUIRE(equal(version_of(predictor), version));
    CLOSES(sg_batch_close(batch));
}

static inline sg_serving_status serving(sg_predictor predictor)
{
    sg_serving_status status = SG_SERVING_STATUS_INIT;
    OK(sg_predictor_status(predictor, &status, &error));
    REQUIRE(status.size == sizeof status && equal(status.version, version_of(predictor)));
    REQUIRE((status.problem == SG_OK) == (status.failures == 0) && (status.problem == SG_OK) == (status.message[0] == 0));
    REQUIRE((status.problem == SG_OK) == (status.problem_milliseconds == 0) && (status.problem != SG_OK || !status.has_refused));
    return status;
}

/* Learns a step, and saves it. */
static inline sg_version_id save(sg_trainer trainer)
{
    sg_version_id version;
    learn(trainer, 1);
    OK(sg_trainer_save(trainer, &version, &error));
    return version;
}

static inline void copy_file(const char *from, const char *to, const char *name)
{
    char path[4400], bytes[4096];
    size_t count;
    snprintf(path, sizeof path, "%s/%s", from, name);
    FILE *in = fopen(path, "rb");
    snprintf(path, sizeof path, "%s/%s", to, name);
    FILE *out = fopen(path, "wb");
    REQUIRE(in != NULL && out != NULL);
    while ((count = fread(bytes, 1, sizeof bytes, in)) > 0)
        REQUIRE(fwrite(bytes, 1, count, out) == count);
    REQUIRE(fclose(in) == 0 && fclose(out) == 0);
}

/* A bundle as the one with this number, but for the last so many of its files. */
static inline void number(const char *bundle, const char *folder, int number, size_t missing)
{
    static const char *const files[] = {"bundle.json", "graph.pb", "initial.safetensors"};
    char path[4400];
    snprintf(path, sizeof path, "%s/%d", folder, number);
    REQUIRE(mkdir(path, 0777) == 0);
    for (size_t i = 0; i < 3 - missing; i++)
        copy_file(bundle, path, files[i]);
}

#endif
