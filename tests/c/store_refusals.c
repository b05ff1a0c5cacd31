/*
 * What a folder of snapshots refuses: options, calls and folders that are wrong. Nothing is changed by it.
 *
 * store_refusals BUNDLES FOLDER: the second is an empty folder to work in.
 */
#include <math.h>

#include "folder.h"

/* Saves versions 5 and 7, and hands out the first. */
static sg_version_id keep_two(void)
{
    sg_trainer trainer;
    sg_version_id five;
    const sg_folder_store store = quiet(model);
    OK(open_at(&store, &trainer));
    learn(trainer, 5);
    OK(sg_trainer_save(trainer, &five, &error));
    learn(trainer, 2);
    OK(sg_trainer_save(trainer, NULL, &error));
    CLOSES(sg_trainer_close(trainer));
    return five;
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
    REFUSED(SG_UNSUPPORTED, "open it with a folder", sg_trainer_save(trainer, &made, &error));
    REFUSED(SG_UNSUPPORTED, "open it with a folder", sg_trainer_rollback(trainer, five, &made, &error));
    REFUSED(SG_UNSUPPORTED, "open it with a folder", sg_trainer_kept_versions(trainer, NULL, 0, &count, &error));
    REFUSED(SG_UNSUPPORTED, "open it with a folder", sg_trainer_save_on_signal(trainer, &error));
    CLOSES(sg_trainer_close(trainer));
}

/* Folders of something else, and of another model. */
static void refused_folders(const char *bundles, const sg_version_id five)
{
    sg_trainer trainer, none = {7};
    sg_folder_store store = SG_FOLDER_STORE(flights);
    REFUSED(SG_INVALID_SNAPSHOT, "not the folder of a store", open_at(&store, &none));

    char mlp[4200];
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
    damage(model, five);
    REFUSED(SG_INVALID_SNAPSHOT, "model.safetensors", sg_trainer_rollback(trainer, five, NULL, &error));
    REQUIRE(same(look(trainer), before));
    CLOSES(sg_trainer_close(trainer));
    store.restore = &five;
    REFUSED(SG_INVALID_SNAPSHOT, "model.safetensors", open_at(&store, &none));
    store.restore = NULL;
    renew_format(model);
    REFUSED(SG_INVALID_SNAPSHOT, "format 2", open_at(&store, &none));
    REQUIRE(none.id == 7);
}

int main(int argc, char **argv)
{
    begin(argc, argv);
    const sg_version_id five = keep_two();
    refused_options(five);
    refused_calls(five);
    refused_folders(argv[1], five);
    printf("%d refusals\n", refusals);
    return 0;
}
