/*
 * What a folder keeps: a trainer that is closed and opened again goes on with the same bits, goes back, and refuses what is wrong.
 *
 * store BUNDLES FOLDER: the second is an empty folder to work in.
 */
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

enum { ROWS = 8 };

static const char *flights;
static char model[4096]; /* the folder of most stores here */

static void pause_for(long milliseconds)
{
    nanosleep(&(struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000}, NULL);
}

static sg_status open_at(const sg_folder_store *store, sg_trainer *trainer)
{
    sg_trainer_options options = SG_TRAINER_OPTIONS_INIT;
    options.metrics_window = 16;
    options.store = store;
    return sg_trainer_open(flights, &options, trainer, &error);
}

/* A store that saves only when it is told to. */
static sg_folder_store quiet(const char *folder)
{
    sg_folder_store store = SG_FOLDER_STORE(folder);
    store.every_seconds = SG_NEVER;
    store.on_close = SG_NEVER;
    return store;
}

/* The next steps of a stream whose position the trainer knows. */
static void learn(sg_trainer trainer, int steps)
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

static state look(sg_trainer trainer)
{
    state found = {{0}, 0, 0, 0, 0};
    sg_batch batch;
    float numbers[ROWS * 4];
    for (int i = 0; i < ROWS * 4; i++)
        numbers[i] = (float)(i * 3 % 13) / 13;
    OK(sg_batch_new(trainer, ROWS, &batch, &error));
    OK(sg_batch_set_f32(batch, "numbers", numbers, ROWS * 4, &error));
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

static int same(state one, state other)
{
    return memcmp(&one, &other, sizeof one) == 0;
}

static sg_store_status status_of(sg_trainer trainer)
{
    sg_store_status status = SG_STORE_STATUS_INIT;
    OK(sg_trainer_store_status(trainer, &status, &error));
    REQUIRE((status.failures == 0) == (status.message[0] == 0));
    return status;
}

static sg_store_status until_saved(sg_trainer trainer, uint64_t number)
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

static size_t kept(sg_trainer trainer, sg_kept_version versions[8])
{
    size_t asked, count;
    OK(sg_trainer_kept_versions(trainer, NULL, 0, &asked, &error));
    OK(sg_trainer_kept_versions(trainer, versions, 8, &count, &error));
    REQUIRE(asked == count);
    return count;
}

static int equal(sg_version_id one, sg_version_id other)
{
    return one.lineage == other.lineage && one.number == other.number;
}

/* Learns, saves, closes, goes on; goes back. Leaves version 5 and two of number 7 in the folder, and hands out the first. */
static sg_version_id resume_and_roll_back(void)
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
    return five;
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

static void refused_options(const sg_version_id five)
{
    sg_trainer none = {7};
    sg_folder_store store = SG_FOLDER_STORE(NULL);
    REFUSED(SG_NULL_POINTER, "folder", open_at(&store, &none));
    store = (sg_folder_store)SG_FOLDER_STORE("");
    REFUSED(SG_INVALID_INPUT, "folder", open_at(&store, &none));
    store = (sg_folder_store)SG_FOLDER_STORE("no/such/folder");
    REFUSED(SG_IO, "no/such/folder", open_at(&store, &none));
    store = (sg_folder_store)SG_FOLDER_STORE(model);
    store.size = 3;
    REFUSED(SG_INVALID_INPUT, "SG_FOLDER_STORE", open_at(&store, &none));
    REFUSED(SG_MISALIGNED, "store", open_at((const sg_folder_store *)((const char *)&store + 1), &none));
    store = (sg_folder_store)SG_FOLDER_STORE(model);
    store.on_close = 1;
    REFUSED(SG_INVALID_INPUT, "on_close", open_at(&store, &none));
    store.on_close = 0;
    store.warm_start = -1;
    REFUSED(SG_INVALID_INPUT, "warm_start", open_at(&store, &none));
    store.warm_start = 1;
    store.restore = &five;
    REFUSED(SG_INVALID_INPUT, "not for both", open_at(&store, &none));
    store.warm_start = 0;
    store.restore = (const sg_version_id *)((const char *)&five + 1);
    REFUSED(SG_MISALIGNED, "restore", open_at(&store, &none));
    const sg_version_id never_made = {five.lineage, 6};
    store.restore = &never_made;
    char name[40];
    snprintf(name, sizeof name, "%016" PRIx64 "-%" PRIu64, five.lineage, five.number);
    REFUSED(SG_INVALID_INPUT, name, open_at(&store, &none)); /* it says which there are */
    store.restore = NULL;
    const double no_seconds[] = {-2, NAN, INFINITY};
    for (int i = 0; i < 3; i++) {
        store.every_seconds = no_seconds[i];
        REFUSED(SG_INVALID_INPUT, "every_seconds", open_at(&store, &none));
        store.every_seconds = 0;
        store.wait_seconds = no_seconds[i];
        REFUSED(SG_INVALID_INPUT, "wait_seconds", open_at(&store, &none));
        store.wait_seconds = 0;
    }
    REQUIRE(none.id == 7);

    /* A program that was compiled before there were stores. */
    sg_trainer_options old = SG_TRAINER_OPTIONS_INIT;
    old.size = offsetof(sg_trainer_options, store);
    old.store = (const sg_folder_store *)1;
    OK(sg_trainer_open(flights, &old, &none, &error));
    CLOSES(sg_trainer_close(none));
}

static void refused_calls(const sg_version_id five)
{
    sg_trainer trainer, closed;
    const sg_folder_store store = quiet(model);
    sg_version_id made = {1, 2};
    sg_kept_version versions[1];
    sg_store_status status = SG_STORE_STATUS_INIT;
    size_t count = 9;
    OK(open_at(&store, &trainer));
    const state before = look(trainer);
    REFUSED(SG_MISALIGNED, "version", sg_trainer_save(trainer, (sg_version_id *)((char *)&made + 1), &error));
    REFUSED(SG_MISALIGNED, "made", sg_trainer_rollback(trainer, five, (sg_version_id *)((char *)&made + 1), &error));
    REFUSED(SG_INVALID_INPUT, "keeps no version", sg_trainer_rollback(trainer, (sg_version_id){0, 0}, &made, &error));
    REQUIRE(made.lineage == 1 && made.number == 2);
    REFUSED(SG_BUFFER_TOO_SMALL, "versions", sg_trainer_kept_versions(trainer, versions, 1, &count, &error));
    REFUSED(SG_NULL_POINTER, "versions", sg_trainer_kept_versions(trainer, NULL, 8, &count, &error));
    REFUSED(SG_NULL_POINTER, "count", sg_trainer_kept_versions(trainer, NULL, 0, NULL, &error));
    REQUIRE(count == 9);
    REFUSED(SG_NULL_POINTER, "status", sg_trainer_store_status(trainer, NULL, &error));
    status.size = sizeof status - 8;
    REFUSED(SG_INVALID_INPUT, "SG_STORE_STATUS_INIT", sg_trainer_store_status(trainer, &status, &error));
    char position[4] = "abc";
    REFUSED(SG_BUFFER_TOO_SMALL, "room for 8", sg_trainer_position(trainer, position, 4, &count, &error));
    REFUSED(SG_NULL_POINTER, "length_bytes", sg_trainer_position(trainer, NULL, 0, NULL, &error));
    REQUIRE(count == 9 && strcmp(position, "abc") == 0);
    REFUSED(SG_NULL_POINTER, "position", sg_trainer_step_to(trainer, (sg_batch){0}, NULL, 4, NULL, &error));
    REFUSED(SG_CLOSED, "batch", sg_trainer_step_to(trainer, (sg_batch){0}, position, 4, NULL, &error));
    REQUIRE(same(look(trainer), before));
    closed = trainer;
    CLOSES(sg_trainer_close(trainer));
    status = (sg_store_status)SG_STORE_STATUS_INIT;
    REFUSED(SG_CLOSED, "trainer", sg_trainer_save(closed, &made, &error));
    REFUSED(SG_CLOSED, "trainer", sg_trainer_rollback(closed, five, &made, &error));
    REFUSED(SG_CLOSED, "trainer", sg_trainer_kept_versions(closed, NULL, 0, &count, &error));
    REFUSED(SG_CLOSED, "trainer", sg_trainer_store_status(closed, &status, &error));
    REFUSED(SG_CLOSED, "trainer", sg_trainer_position(closed, NULL, 0, &count, &error));
    REFUSED(SG_CLOSED, "trainer", sg_trainer_save_on_signal(closed, &error));

    /* Parameters that live in memory only. */
    OK(sg_trainer_open(flights, NULL, &trainer, &error));
    learn(trainer, 2);
    REQUIRE(look(trainer).position == 2 && !status_of(trainer).has_saved);
    REFUSED(SG_UNSUPPORTED, "FolderStore", sg_trainer_save(trainer, &made, &error));
    REFUSED(SG_UNSUPPORTED, "FolderStore", sg_trainer_rollback(trainer, five, &made, &error));
    REFUSED(SG_UNSUPPORTED, "FolderStore", sg_trainer_kept_versions(trainer, NULL, 0, &count, &error));
    REFUSED(SG_UNSUPPORTED, "FolderStore", sg_trainer_save_on_signal(trainer, &error));
    CLOSES(sg_trainer_close(trainer));
}

/* Folders of something else, and of another model. */
static void refused_folders(const char *bundles, const sg_version_id five)
{
    sg_trainer trainer, none = {7};
    sg_folder_store store = SG_FOLDER_STORE(flights);
    REFUSED(SG_INVALID_SNAPSHOT, "not the folder of a store", open_at(&store, &none));

    char mlp[4200], path[4400];
    snprintf(mlp, sizeof mlp, "%s/mlp-sgd.bundle", bundles);
    sg_trainer_options options = SG_TRAINER_OPTIONS_INIT;
    store = quiet(model);
    options.store = &store;
    REFUSED(SG_INVALID_INPUT, "dense/kernel", sg_trainer_open(mlp, &options, &none, &error));
    store.warm_start = 1;
    OK(sg_trainer_open(mlp, &options, &trainer, &error));
    uint64_t version;
    OK(sg_trainer_version(trainer, &version, &error));
    REQUIRE(version == 0); /* the optimizer begins anew */
    CLOSES(sg_trainer_close(trainer));
    store.warm_start = 0;

    /* A byte that turned, in a version to go back to and in the one to begin with. */
    OK(open_at(&store, &trainer));
    const state before = look(trainer);
    snprintf(path, sizeof path, "%s/snapshots/%016" PRIx64 "-%" PRIu64 "/model.safetensors", model, five.lineage, five.number);
    FILE *file = fopen(path, "r+b");
    REQUIRE(file != NULL && fseek(file, -3, SEEK_END) == 0);
    const int byte = fgetc(file);
    REQUIRE(byte != EOF && fseek(file, -3, SEEK_END) == 0 && fputc(byte ^ 1, file) != EOF && fclose(file) == 0);
    REFUSED(SG_INVALID_SNAPSHOT, "model.safetensors", sg_trainer_rollback(trainer, five, NULL, &error));
    REQUIRE(same(look(trainer), before));
    CLOSES(sg_trainer_close(trainer));
    store.restore = &five;
    REFUSED(SG_INVALID_SNAPSHOT, "model.safetensors", open_at(&store, &none));
    store.restore = NULL;
    snprintf(path, sizeof path, "%s/store.json", model);
    file = fopen(path, "wb");
    REQUIRE(file != NULL && fputs("{\"format\": 2, \"kind\": \"streamgrad store\"}", file) >= 0 && fclose(file) == 0);
    REFUSED(SG_INVALID_SNAPSHOT, "format 2", open_at(&store, &none));
    REQUIRE(none.id == 7);
}

int main(int argc, char **argv)
{
    flights = bundle(argc, argv, "flights");
    REQUIRE(argc == 3);
    char second[4200];
    snprintf(model, sizeof model, "%s/model", argv[2]);
    snprintf(second, sizeof second, "%s/second", argv[2]);
    const sg_version_id five = resume_and_roll_back();
    when_to_save(second);
    wait_for_the_other();
    without_its_folder();
    refused_options(five);
    refused_calls(five);
    refused_folders(argv[1], five);
    printf("learning goes on bit for bit, %d refusals\n", refusals);
    return 0;
}
