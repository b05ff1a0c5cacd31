/*
 * What a trainer tells of itself: Prometheus' text, event files, the log.
 *
 * observing BUNDLES FOLDER: the second is an empty folder to work in.
 */
#include <dirent.h>
#include <math.h>
#include <sys/stat.h>

#include "folder.h"

static sg_log_event events[16];

static sg_status open_with(const sg_tensorboard *tensorboard, sg_trainer *trainer)
{
    sg_trainer_options options = SG_TRAINER_OPTIONS_INIT;
    options.tensorboard = tensorboard;
    return sg_trainer_open(flights, &options, trainer, &error);
}

/* Takes everything out of the log, and says whether this was in it. */
static int logged(int32_t level, const char *text)
{
    int found = 0;
    for (size_t count = 1; count != 0;) {
        uint64_t lost;
        OK(sg_log_drain(events, 16, &count, &lost, &error));
        REQUIRE(count <= 16 && lost == 0);
        for (size_t i = 0; i < count; i++) {
            const uint64_t now = (uint64_t)time(NULL) * 1000;
            REQUIRE(events[i].time_milliseconds > now - 600000 && events[i].time_milliseconds < now + 600000);
            REQUIRE(strncmp(events[i].target, "streamgrad", 10) == 0 && events[i].message[0] != 0);
            found |= events[i].level == level && strstr(events[i].message, text) != NULL;
        }
    }
    return found;
}

/* The whole text, in memory of its own. */
static char *prometheus(sg_trainer trainer)
{
    size_t length, written;
    OK(sg_trainer_prometheus(trainer, NULL, 0, &length, &error));
    const size_t capacity = length + 1024; /* numbers grow */
    char *text = malloc(capacity);
    REQUIRE(text != NULL);
    OK(sg_trainer_prometheus(trainer, text, capacity, &written, &error));
    REQUIRE(strlen(text) == written && text[written - 1] == '\n');
    return text;
}

static int tells(sg_trainer trainer, const char *line)
{
    char *text = prometheus(trainer);
    const int found = strstr(text, line) != NULL;
    free(text);
    return found;
}

static void writes_event_files(const char *folder)
{
    sg_tensorboard board = SG_TENSORBOARD(folder);
    board.every = 5;
    board.histograms_every = SG_NEVER;
    board.flush_seconds = 60;
    board.file_bytes = 1 << 20;
    board.files = 2;
    sg_trainer trainer;
    OK(open_with(&board, &trainer));
    learn(trainer, 11);
    REQUIRE(tells(trainer, "\nstreamgrad_steps_total{model=\"sequential\"} 11\n"));
    REQUIRE(tells(trainer, "\nstreamgrad_tensorboard_failing{model=\"sequential\"} 0\n"));
    CLOSES(sg_trainer_close(trainer));
    int files = 0;
    DIR *entries = opendir(folder);
    REQUIRE(entries != NULL);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        files += strncmp(entry->d_name, "events.out.tfevents.", 20) == 0;
    closedir(entries);
    REQUIRE(files == 1);
}

static void goes_on_without(const char *file)
{
    char below[4400];
    FILE *in_the_way = fopen(file, "wb");
    REQUIRE(in_the_way != NULL && fclose(in_the_way) == 0);
    snprintf(below, sizeof below, "%s/board", file);
    const sg_tensorboard board = SG_TENSORBOARD(below);
    sg_trainer trainer;
    OK(open_with(&board, &trainer));
    learn(trainer, 3);
    for (int i = 0; !tells(trainer, "\nstreamgrad_tensorboard_failing{model=\"sequential\"} 1\n"); i++) {
        REQUIRE(i < 2000);
        pause_for(10);
    }
    REQUIRE(logged(SG_LOG_WARNING, below));
    REQUIRE(tells(trainer, "\nstreamgrad_steps_total{model=\"sequential\"} 3\n"));
    CLOSES(sg_trainer_close(trainer));
}

static void refuses(const char *folder)
{
    sg_trainer none = {7};
    sg_tensorboard board = SG_TENSORBOARD(NULL);
    REFUSED(SG_NULL_POINTER, "folder", open_with(&board, &none));
    board = (sg_tensorboard)SG_TENSORBOARD("");
    REFUSED(SG_INVALID_INPUT, "folder", open_with(&board, &none));
    board = (sg_tensorboard)SG_TENSORBOARD(folder);
    board.size = 3;
    REFUSED(SG_INVALID_INPUT, "SG_TENSORBOARD", open_with(&board, &none));
    board = (sg_tensorboard)SG_TENSORBOARD(folder);
    board.histograms_every = -5;
    REFUSED(SG_INVALID_INPUT, "histograms_every", open_with(&board, &none));
    board = (sg_tensorboard)SG_TENSORBOARD(folder);
    board.flush_seconds = NAN;
    REFUSED(SG_INVALID_INPUT, "flush_seconds", open_with(&board, &none));
    board = (sg_tensorboard)SG_TENSORBOARD(folder);
    board.files = 1;
    REFUSED(SG_INVALID_INPUT, "two files", open_with(&board, &none));
    REQUIRE(none.id == 7);

    sg_trainer trainer;
    OK(open_with(NULL, &trainer));
    char text[64] = "as it was";
    size_t length = 7, count = 7;
    REFUSED(SG_BUFFER_TOO_SMALL, "text", sg_trainer_prometheus(trainer, text, sizeof text, &length, &error));
    REFUSED(SG_NULL_POINTER, "length", sg_trainer_prometheus(trainer, NULL, 0, NULL, &error));
    REQUIRE(strcmp(text, "as it was") == 0 && length == 7);
    CLOSES(sg_trainer_close(trainer));
    REFUSED(SG_CLOSED, "closed", sg_trainer_prometheus(trainer, text, sizeof text, &length, &error));

    REFUSED(SG_NULL_POINTER, "events", sg_log_drain(NULL, 3, &count, NULL, &error));
    REFUSED(SG_NULL_POINTER, "count", sg_log_drain(events, 16, NULL, NULL, &error));
    REFUSED(SG_MISALIGNED, "events", sg_log_drain((sg_log_event *)((char *)events + 1), 3, &count, NULL, &error));
    REQUIRE(count == 7);
}

int main(int argc, char **argv)
{
    begin(argc, argv);
    char folder[4200], file[4200];
    snprintf(folder, sizeof folder, "%s/board", argv[2]);
    snprintf(file, sizeof file, "%s/file", argv[2]);
    writes_event_files(folder);
    /* The first call has loaded TensorFlow, which waits until it is taken out. */
    size_t waiting, again;
    OK(sg_log_drain(NULL, 0, &waiting, NULL, &error));
    OK(sg_log_drain(NULL, 0, &again, NULL, &error));
    REQUIRE(waiting >= 1 && again == waiting);
    REQUIRE(logged(SG_LOG_INFO, "TensorFlow loaded"));
    OK(sg_log_drain(NULL, 0, &waiting, NULL, &error));
    REQUIRE(waiting == 0);
    goes_on_without(file);
    refuses(folder);
    printf("a trainer tells of itself, %d refusals\n", refusals);
    return 0;
}
