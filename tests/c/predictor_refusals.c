/*
 * What a predictor refuses: folders, options, handles, pointers and versions that are wrong. What predicts goes on.
 *
 * predictor_refusals BUNDLES FOLDER: the second is an empty folder to work in.
 */
#include <math.h>

#include "following.h"

/* A pointer that is not aligned. */
#define ODD(type, pointer) ((type *)((char *)(pointer) + 1))

static void options(void)
{
    sg_predictor none = {7};
    sg_predictor_options options = patient();
    REFUSED(SG_NULL_POINTER, "bundle", sg_predictor_follow(NULL, model, &options, &none, &error));
    REFUSED(SG_INVALID_INPUT, "bundle", sg_predictor_follow("", model, &options, &none, &error));
    REFUSED(SG_INVALID_BUNDLE, "no.bundle", sg_predictor_follow("no.bundle", NULL, &options, &none, &error));
    REFUSED(SG_INVALID_INPUT, "folder", sg_predictor_follow(flights, "", &options, &none, &error));
    REFUSED(SG_NULL_POINTER, "predictor", sg_predictor_follow(flights, model, &options, NULL, &error));
    REFUSED(SG_MISALIGNED, "predictor", sg_predictor_follow(flights, model, &options, ODD(sg_predictor, &none), &error));
    REFUSED(SG_NULL_POINTER, "folder", sg_predictor_numbered(NULL, &options, &none, &error));
    REFUSED(SG_INVALID_INPUT, "folder", sg_predictor_numbered("", &options, &none, &error));
    REFUSED(SG_NULL_POINTER, "predictor", sg_predictor_numbered(model, &options, NULL, &error));
    REFUSED(SG_MISALIGNED, "options", sg_predictor_follow(flights, model, ODD(const sg_predictor_options, &options), &none, &error));
    options.size = 3;
    REFUSED(SG_INVALID_INPUT, "SG_PREDICTOR_OPTIONS_INIT", sg_predictor_follow(flights, model, &options, &none, &error));
    options = patient();
    options.intra_op_threads = -7;
    REFUSED(SG_INVALID_INPUT, "intra_op_threads", sg_predictor_follow(flights, model, &options, &none, &error));
    options.intra_op_threads = 0;
    options.allowed_op_count = 1;
    REFUSED(SG_NULL_POINTER, "allowed_ops", sg_predictor_follow(flights, model, &options, &none, &error));
    options.allowed_op_count = 0;
    options.tensorflow = "/no/such/libtensorflow_cc.so.2";
    REFUSED(SG_TENSORFLOW_NOT_FOUND, "/no/such", sg_predictor_follow(flights, model, &options, &none, &error));
    options.tensorflow = NULL;
    const double no_seconds[] = {-2, NAN, INFINITY};
    for (int i = 0; i < 3; i++) {
        options.every_seconds = no_seconds[i];
        REFUSED(SG_INVALID_INPUT, "every_seconds", sg_predictor_follow(flights, model, &options, &none, &error));
    }
    REQUIRE(none.id == 7);
}

/* Handles that are zero, forged, of another type or closed. */
static void handles(sg_trainer trainer)
{
    sg_predictor closed = follow(model), none = {7};
    const sg_batch batch = batch_of(closed);
    CLOSES(sg_predictor_close(closed));
    CLOSES(sg_predictor_close(closed));
    const sg_predictor wrong[] = {{0}, {UINT64_MAX}, {trainer.id}, {batch.id}, closed};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        sg_version_id version = {1, 2};
        sg_serving_status status = SG_SERVING_STATUS_INIT;
        float values[ROWS];
        sg_predictions predictions = SG_PREDICTIONS(values, ROWS);
        sg_batch other = {7};
        size_t bytes = 9;
        REFUSED(SG_CLOSED, "predictor", sg_predictor_predict(wrong[i], batch, &predictions, &error));
        REFUSED(SG_CLOSED, "predictor", sg_predictor_batch(wrong[i], 1, &other, &error));
        REFUSED(SG_CLOSED, "predictor", sg_predictor_version(wrong[i], &version, &error));
        REFUSED(SG_CLOSED, "predictor", sg_predictor_status(wrong[i], &status, &error));
        REFUSED(SG_CLOSED, "predictor", sg_predictor_memory(wrong[i], &bytes, &error));
        REFUSED(SG_CLOSED, "predictor", sg_predictor_look(wrong[i], &version, &error));
        REFUSED(SG_CLOSED, "predictor", sg_predictor_switch_to(wrong[i], version, &version, &error));
        REFUSED(SG_CLOSED, "predictor", sg_predictor_pin(wrong[i], version, &version, &error));
        REFUSED(SG_CLOSED, "predictor", sg_predictor_pin_current(wrong[i], &version, &error));
        REFUSED(SG_CLOSED, "predictor", sg_predictor_unpin(wrong[i], &error));
        REFUSED(SG_CLOSED, "predictor", sg_predictor_rollback(wrong[i], &version, &error));
        CLOSES(sg_predictor_close(wrong[i]));
        REQUIRE(version.lineage == 1 && version.number == 2 && other.id == 7 && bytes == 9);
    }
    REFUSED(SG_CLOSED, "trainer", sg_predictor_of((sg_trainer){0}, &none, &error));
    REFUSED(SG_CLOSED, "trainer", sg_predictor_of((sg_trainer){closed.id}, &none, &error));
    REFUSED(SG_NULL_POINTER, "predictor", sg_predictor_of(trainer, NULL, &error));
    REQUIRE(none.id == 7);
    CLOSES(sg_batch_close(batch));
}

static void calls(const char *bundles, sg_version_id newest)
{
    const sg_predictor predictor = follow(model);
    sg_batch batch = batch_of(predictor), other;
    sg_version_id version = {1, 2};
    sg_serving_status status = SG_SERVING_STATUS_INIT;
    float values[ROWS], before[ROWS];
    predicts_by(predictor, newest, before);

    REFUSED(SG_NULL_POINTER, "predictions", sg_predictor_predict(predictor, batch, NULL, &error));
    sg_predictions predictions = SG_PREDICTIONS(values, ROWS - 1);
    REFUSED(SG_BUFFER_TOO_SMALL, "room for 8", sg_predictor_predict(predictor, batch, &predictions, &error));
    predictions = (sg_predictions)SG_PREDICTIONS(NULL, ROWS);
    REFUSED(SG_NULL_POINTER, "", sg_predictor_predict(predictor, batch, &predictions, &error));
    predictions = (sg_predictions)SG_PREDICTIONS(values, ROWS);
    predictions.size = 8;
    REFUSED(SG_INVALID_INPUT, "SG_PREDICTIONS", sg_predictor_predict(predictor, batch, &predictions, &error));
    predictions.size = sizeof predictions;
    REFUSED(SG_CLOSED, "batch", sg_predictor_predict(predictor, (sg_batch){0}, &predictions, &error));
    OK(sg_predictor_batch(predictor, 1, &other, &error));
    REFUSED(SG_INVALID_INPUT, "", sg_predictor_predict(predictor, other, &predictions, &error)); /* empty */
    CLOSES(sg_batch_close(other));
    REFUSED(SG_INVALID_INPUT, "capacity", sg_predictor_batch(predictor, 0, &other, &error));
    REFUSED(SG_NULL_POINTER, "batch", sg_predictor_batch(predictor, 1, NULL, &error));

    /* A batch of another model. */
    char cnn[4200];
    sg_predictor foreign;
    snprintf(cnn, sizeof cnn, "%s/cnn-sgd.bundle", bundles);
    OK(sg_predictor_follow(cnn, NULL, NULL, &foreign, &error));
    OK(sg_predictor_batch(foreign, 1, &other, &error));
    REFUSED(SG_INVALID_INPUT, "", sg_predictor_predict(predictor, other, &predictions, &error));
    CLOSES(sg_predictor_close(foreign));
    CLOSES(sg_batch_close(other));

    REFUSED(SG_NULL_POINTER, "version", sg_predictor_version(predictor, NULL, &error));
    REFUSED(SG_NULL_POINTER, "bytes", sg_predictor_memory(predictor, NULL, &error));
    REFUSED(SG_NULL_POINTER, "status", sg_predictor_status(predictor, NULL, &error));
    status.size = sizeof status - 8;
    REFUSED(SG_INVALID_INPUT, "SG_SERVING_STATUS_INIT", sg_predictor_status(predictor, &status, &error));
    REFUSED(SG_MISALIGNED, "version", sg_predictor_look(predictor, ODD(sg_version_id, &version), &error));
    REFUSED(SG_MISALIGNED, "taken", sg_predictor_switch_to(predictor, newest, ODD(sg_version_id, &version), &error));
    REFUSED(SG_MISALIGNED, "taken", sg_predictor_pin(predictor, newest, ODD(sg_version_id, &version), &error));
    REFUSED(SG_MISALIGNED, "version", sg_predictor_pin_current(predictor, ODD(sg_version_id, &version), &error));
    REFUSED(SG_MISALIGNED, "version", sg_predictor_rollback(predictor, ODD(sg_version_id, &version), &error));

    /* Versions that are not there; the message says which are. */
    char name[40];
    snprintf(name, sizeof name, "%016" PRIx64 "-%" PRIu64, newest.lineage, newest.number);
    REFUSED(SG_INVALID_INPUT, name, sg_predictor_switch_to(predictor, (sg_version_id){SG_ANY_LINEAGE, 99}, &version, &error));
    REFUSED(SG_INVALID_INPUT, name, sg_predictor_pin(predictor, (sg_version_id){newest.lineage, 99}, &version, &error));
    REFUSED(SG_INVALID_INPUT, "before", sg_predictor_rollback(predictor, &version, &error));
    REQUIRE(version.lineage == 1 && version.number == 2 && !serving(predictor).pinned);
    predicts_by(predictor, newest, values);
    REQUIRE(memcmp(values, before, sizeof values) == 0);
    CLOSES(sg_batch_close(batch));
    CLOSES(sg_predictor_close(predictor));
}

/* Folders of something else, of another model, without bundles, damaged, of a newer format. */
static void folders(const char *bundles, const char *empty, sg_version_id newest)
{
    const sg_predictor_options options = patient();
    sg_predictor none = {7};
    char mlp[4200], nowhere[4300];
    snprintf(mlp, sizeof mlp, "%s/mlp-sgd.bundle", bundles);
    snprintf(nowhere, sizeof nowhere, "%s/nowhere", empty);
    REQUIRE(mkdir(empty, 0777) == 0);
    REFUSED(SG_INVALID_SNAPSHOT, flights, sg_predictor_follow(flights, flights, &options, &none, &error));
    REFUSED(SG_INVALID_SNAPSHOT, empty, sg_predictor_follow(flights, empty, &options, &none, &error));
    REFUSED(SG_INVALID_SNAPSHOT, nowhere, sg_predictor_follow(flights, nowhere, &options, &none, &error));
    REFUSED(SG_INVALID_INPUT, "another bundle", sg_predictor_follow(mlp, model, &options, &none, &error));
    REFUSED(SG_INVALID_BUNDLE, "has no bundle", sg_predictor_numbered(empty, &options, &none, &error));
    REFUSED(SG_IO, nowhere, sg_predictor_numbered(nowhere, &options, &none, &error));
    number(flights, empty, 1, 2);
    REFUSED(SG_INVALID_BUNDLE, "graph.pb", sg_predictor_numbered(empty, &options, &none, &error));
    damage(model, newest); /* the only one */
    REFUSED(SG_INVALID_SNAPSHOT, "model.safetensors", sg_predictor_follow(flights, model, &options, &none, &error));
    renew_format(model);
    REFUSED(SG_INVALID_SNAPSHOT, "format 2", sg_predictor_follow(flights, model, &options, &none, &error));
    REQUIRE(none.id == 7);
}

int main(int argc, char **argv)
{
    char empty[4200];
    sg_trainer trainer;
    begin(argc, argv);
    snprintf(empty, sizeof empty, "%s/empty", argv[2]);
    const sg_folder_store store = quiet(model);
    OK(open_at(&store, &trainer));
    const sg_version_id newest = save(trainer);
    options();
    handles(trainer);
    calls(argv[1], newest);
    CLOSES(sg_trainer_close(trainer));
    folders(argv[1], empty, newest);
    printf("%d refusals\n", refusals);
    return 0;
}
