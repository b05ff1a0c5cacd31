/*
 * Streamgrad: online learning of TensorFlow models inside the process that holds the stream.
 *
 * The rules that every function obeys (handles, errors, threads, lifetimes, sizes) are in docs/c-abi.md.
 * Made by cbindgen from the library's source: change it there. It is one file since a host includes one.
 */

#ifndef STREAMGRAD_H
#define STREAMGRAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The structures of Arrow's C data interface, as its specification has them. */
struct ArrowArray;
struct ArrowSchema;

/*
 * First values of the structs that begin with their size.
 */

/** An `sg_trainer_options` of defaults. */
#define SG_TRAINER_OPTIONS_INIT { sizeof(sg_trainer_options), NULL, 0, 0, 0.0, 0, NULL, 0, NULL, NULL, NULL, 0 }

/** An `sg_folder_store` in this folder, of defaults. */
#define SG_FOLDER_STORE(folder) { sizeof(sg_folder_store), (folder), 0, 0.0, 0, 0, 0.0, 0, 0, 0, 0, NULL }

/** An `sg_tensorboard` in this folder, of defaults. */
#define SG_TENSORBOARD(folder) { sizeof(sg_tensorboard), (folder), 0, 0, 0.0, 0, 0 }

/** An `sg_store_status` to be written. */
#define SG_STORE_STATUS_INIT { sizeof(sg_store_status), 0, 0, { 0, 0 }, 0, 0, { 0 } }

/** An `sg_saved_model` of this bundle's own values. */
#define SG_SAVED_MODEL(bundle) { sizeof(sg_saved_model), (bundle), NULL, NULL, NULL, NULL, 0 }

/** An `sg_guard` of defaults. */
#define SG_GUARD_INIT { sizeof(sg_guard), 0, 0, 0, 0, 0, 0.0, 0.0, 0 }

/** An `sg_training_status` to be written. */
#define SG_TRAINING_STATUS_INIT \
    { sizeof(sg_training_status), 0, 0, { 0, 0 }, { 0, 0 }, 0.0, 0, 0.0, 0, 0, 0, 0, 0, 0, 0.0, 0.0, { 0 } }

/** An `sg_quarantined` to be written, whose position, if it has one, goes to `position`, with room for `capacity` bytes. */
#define SG_QUARANTINED_INIT(position, capacity) \
    { sizeof(sg_quarantined), { 0 }, 0, { 0, 0 }, (position), (capacity), 0, 0, 0, 0, { 0 } }

/** An `sg_predictor_options` of defaults. */
#define SG_PREDICTOR_OPTIONS_INIT { sizeof(sg_predictor_options), NULL, 0, 0, 0.0, NULL, 0, NULL }

/** An `sg_serving_status` to be written. */
#define SG_SERVING_STATUS_INIT { sizeof(sg_serving_status), { 0, 0 }, 0, 0, 0, 0.0, 0, 0, 0, 0, { 0, 0 }, 0, 0, { 0 } }

/** An `sg_tensor` to be written. */
#define SG_TENSOR_INIT { sizeof(sg_tensor), { 0 }, 0, 0, 0, { 0 }, 0, 0, 0, 0 }

/** An `sg_predictions` for a model with one output of `float`, whose values go to `values`, with room for `capacity`. */
#define SG_PREDICTIONS(values, capacity) { sizeof(sg_predictions), (values), (capacity), NULL, 0, 0, 0, 0, NULL, 0, 0 }

/** An `sg_predictions` for `count` outputs by name: an array of `sg_output`. */
#define SG_PREDICTIONS_OUTPUTS(outputs, count) { sizeof(sg_predictions), NULL, 0, (outputs), (count), 0, 0, 0, NULL, 0, 0 }

/** An `sg_report` for a model with one output of `float`, whose predictions go to `predictions`, with room for `capacity`. */
#define SG_REPORT(predictions, capacity) SG_REPORT_WITH_((predictions), (capacity), NULL, 0)

/** An `sg_report` for `count` outputs by name: an array of `sg_output`. */
#define SG_REPORT_OUTPUTS(outputs, count) SG_REPORT_WITH_(NULL, 0, (outputs), (count))

/** An `sg_evaluation` to be written. */
#define SG_EVALUATION_INIT { sizeof(sg_evaluation), NULL, 0, 0, 0, SG_METRICS_ }

#define SG_REPORT_WITH_(predictions, capacity, outputs, count) \
    { sizeof(sg_report), predictions, capacity, outputs, count, NULL, 0, 0.0, 0, 0, 0, 0, 0, 0, SG_METRICS_, SG_METRICS_ }
#define SG_METRICS_ { 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0 }


/**
 * The number of the contract that this header declares; compare it with `sg_abi()`.
 */
#define SG_ABI 1

/**
 * The bytes of the message of an `sg_error`, its zero included.
 */
#define SG_MESSAGE_BYTES 1024

/**
 * The bytes of a tensor's name, its zero included.
 */
#define SG_NAME_BYTES 256

/**
 * The most dimensions that a tensor can have here.
 */
#define SG_MAX_RANK 8

/**
 * As an answer to many refused updates in a row: the trainer goes back to the version saved last. It pauses if there is none, or if
 * nothing was learned since.
 */
#define SG_ROLL_BACK 1

/**
 * As many threads as TensorFlow chooses.
 */
#define SG_THREADS_AUTO -1

/**
 * Not at all, where an option's zero means its default.
 */
#define SG_NEVER -1

/**
 * In place of a lineage: the version is named by its number alone, as that of a numbered bundle, or within the lineage that is
 * the newest.
 */
#define SG_ANY_LINEAGE 0

/**
 * The bytes of the target of an `sg_log_event`, its zero included.
 */
#define SG_TARGET_BYTES 60

/**
 * Something failed, and nothing will make up for it.
 */
#define SG_LOG_ERROR 1

/**
 * Something failed, and work goes on.
 */
#define SG_LOG_WARNING 2

/**
 * Something happened that is worth knowing.
 */
#define SG_LOG_INFO 3

/**
 * What a call came to. A code is never given another meaning and never reused; later versions may add codes.
 */
enum sg_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The call did what it says.
     */
    SG_OK = 0,
    /**
     * An argument, a record or a batch is wrong: correct it and call again.
     */
    SG_INVALID_INPUT = 100,
    /**
     * A pointer that must point somewhere is null.
     */
    SG_NULL_POINTER = 101,
    /**
     * The handle is closed, stale, zero or of another type.
     */
    SG_CLOSED = 102,
    /**
     * The caller's memory is too small; the message names the size that is needed.
     */
    SG_BUFFER_TOO_SMALL = 103,
    /**
     * A pointer is not aligned to its type.
     */
    SG_MISALIGNED = 104,
    /**
     * The bundle is missing, damaged or contradicts itself: export it again.
     */
    SG_INVALID_BUNDLE = 200,
    /**
     * The graph holds an op that the host did not allow.
     */
    SG_REFUSED_GRAPH = 201,
    /**
     * A snapshot or the folder of a store is missing, damaged or contradicts itself: open another version.
     */
    SG_INVALID_SNAPSHOT = 202,
    /**
     * No TensorFlow library was found: install one, or name its place.
     */
    SG_TENSORFLOW_NOT_FOUND = 300,
    /**
     * Another TensorFlow than the one asked for is already in this process.
     */
    SG_TENSORFLOW_CONFLICT = 301,
    /**
     * TensorFlow itself reported an error.
     */
    SG_TENSORFLOW = 302,
    /**
     * A loss, a gradient or a new parameter is not finite; nothing was changed.
     */
    SG_NON_FINITE = 400,
    /**
     * An earlier failure left the trainer without a trustworthy state: open a new one.
     */
    SG_POISONED = 401,
    /**
     * The norm of a gradient is far from those before; nothing was changed.
     */
    SG_OUTLIER = 402,
    /**
     * The trainer is paused: it predicts, and learns when it is resumed.
     */
    SG_PAUSED = 403,
    /**
     * The trainer was stopped: it predicts, and learns no more.
     */
    SG_STOPPED = 404,
    /**
     * The operating system refused to read or write.
     */
    SG_IO = 500,
    /**
     * Somebody else holds what only one may hold: wait, or end the other.
     */
    SG_LOCKED = 501,
    /**
     * This platform or this feature is not supported.
     */
    SG_UNSUPPORTED = 900,
    /**
     * A defect of this library: a panic that was caught.
     */
    SG_INTERNAL = 901,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum sg_status sg_status;
#else
typedef int32_t sg_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The name of a version. Of those that were saved no other has it. Plain data.
 */
typedef struct {
    /**
     * An unbroken line of versions, each made from the one before it: a random number. Going back begins a new one.
     */
    uint64_t lineage;
    /**
     * The steps since the bundle's own values.
     */
    uint64_t number;
} sg_version_id;

/**
 * A folder in which a trainer keeps what it learns, and how. Plain data of the caller, to be initialised with `SG_FOLDER_STORE`;
 * zero is the default.
 *
 * It is read while the trainer is opened; the trainer holds the folder, which has one writer, until it is closed.
 */
typedef struct {
    /**
     * `sizeof(sg_folder_store)`.
     */
    size_t size;
    /**
     * The folder. It is made if there is none, in a folder that exists.
     */
    const char *folder;
    /**
     * Saves each version whose number is a multiple of this; default none.
     */
    uint64_t every_steps;
    /**
     * Saves the newest version this long after the last attempt, if there is a new one; default 60, `SG_NEVER` for never.
     */
    double every_seconds;
    /**
     * Whether closing the trainer saves the newest version: default yes, `SG_NEVER` for no.
     */
    int32_t on_close;
    /**
     * 1 takes over what fits of the newest version if that is of another bundle: parameters and state of the same name, dtype and
     * shape; the optimizer's slots and its count of steps if they all fit. Metrics begin anew. Default: such a folder is refused.
     */
    int32_t warm_start;
    /**
     * How long to wait for another writer to let go of the folder; default not at all.
     */
    double wait_seconds;
    /**
     * Keeps the last so many versions; default 5. The next two keep more than these.
     */
    size_t keep_last;
    /**
     * Keeps the last version of each hour (UTC), for the last so many hours that have one; default 0.
     */
    size_t keep_hourly;
    /**
     * Keeps the last version of each day (UTC), for the last so many days that have one; default 0.
     */
    size_t keep_daily;
    /**
     * Writes only the tensors that changed, where that saves half of the bytes, in chains of at most so many (up to 64) between
     * complete snapshots; default 0: all are complete.
     */
    size_t deltas;
    /**
     * A kept version to begin from instead of the newest, in a new lineage, which the folder names with the next snapshot; null: the
     * newest.
     */
    const sg_version_id *restore;
} sg_folder_store;

/**
 * A folder in which a trainer writes for TensorBoard, and how often. Plain data of the caller, to be initialised with
 * `SG_TENSORBOARD`; zero is the default.
 *
 * It is read while the trainer is opened. A folder that cannot be written does not stop learning: the log and
 * `sg_trainer_prometheus` tell it, and it is tried again.
 */
typedef struct {
    /**
     * `sizeof(sg_tensorboard)`.
     */
    size_t size;
    /**
     * The folder, which is made when there is something to write. Each trainer needs one of its own.
     */
    const char *folder;
    /**
     * The steps from one sample to the next; default 200.
     */
    uint64_t every;
    /**
     * The steps from one sample with histograms to the next; default 2000, `SG_NEVER` for never.
     */
    int64_t histograms_every;
    /**
     * How long an event may wait before it reaches the file; default 5.
     */
    double flush_seconds;
    /**
     * When a file has grown to so many bytes, the next one begins; default 64 MiB.
     */
    uint64_t file_bytes;
    /**
     * How many files are kept: the first one, which has the graph, and the newest; default 16.
     */
    size_t files;
} sg_tensorboard;

/**
 * Which updates a trainer refuses beside those that are not finite, and what it does when they do not end. Plain data of the caller, to
 * be initialised with `SG_GUARD_INIT`; zero is the default.
 *
 * A batch is refused with `SG_OUTLIER` if the logarithm of its gradient's norm is above `median + max(deviations * 1.4826 * MAD,
 * ln(factor))` of the last batches that were learned.
 */
typedef struct {
    /**
     * `sizeof(sg_guard)`.
     */
    size_t size;
    /**
     * `SG_NEVER` sets no bound on norms.
     */
    int32_t bound;
    /**
     * What the trainer does after `after` refused updates in a row: it pauses by default; `SG_ROLL_BACK`; `SG_NEVER` for nothing.
     */
    int32_t response;
    /**
     * See `response`; default 10.
     */
    uint64_t after;
    /**
     * The norms that are remembered: of the last so many batches that were learned; default 256.
     */
    size_t window;
    /**
     * So many batches are learned, whatever their norm, before there is a bound; default 64.
     */
    size_t warm_up;
    /**
     * How many robust standard deviations above the median a logarithm may be; default 5.
     */
    double deviations;
    /**
     * A norm up to so many times the median is never refused; default 30.
     */
    double factor;
    /**
     * The refused batches that are kept until the host drains them; default 16, `SG_NEVER` for none.
     */
    int64_t quarantine;
} sg_guard;

/**
 * How a trainer is opened. Plain data of the caller, to be initialised with `SG_TRAINER_OPTIONS_INIT`; zero is the default.
 */
typedef struct {
    /**
     * `sizeof(sg_trainer_options)`.
     */
    size_t size;
    /**
     * The TensorFlow library or its folder; null: found by the order in README.md.
     */
    const char *tensorflow;
    /**
     * Threads inside one op; default one. TensorFlow has one such pool per process, sized by its first session.
     */
    int32_t intra_op_threads;
    /**
     * Threads that run ops beside each other; default none: every op runs in the calling thread.
     */
    int32_t inter_op_threads;
    /**
     * A constant learning rate in place of the bundle's own, for all groups of parameters alike.
     */
    double learning_rate;
    /**
     * The rows of the metrics' sliding window; default 10,000.
     */
    uint64_t metrics_window;
    /**
     * Zero-terminated names of ops that the graph may hold although they reach beyond the process.
     */
    const char *const *allowed_ops;
    /**
     * How many names.
     */
    size_t allowed_op_count;
    /**
     * Where the parameters live; null: in memory of the trainer's own, which ends with it.
     */
    const sg_folder_store *store;
    /**
     * Where it writes for TensorBoard; null: nowhere.
     */
    const sg_tensorboard *tensorboard;
    /**
     * Which updates are refused beside those that are not finite; null: none.
     */
    const sg_guard *guard;
    /**
     * Whether other processes may command the trainer by a socket in the store's folder: default yes, `SG_NEVER` for no.
     */
    int64_t control;
} sg_trainer_options;

/**
 * A model that learns, with its parameters. Open until `sg_trainer_close`; any number of threads at once.
 */
typedef struct {
    /**
     * What the library knows it by; zero is no trainer.
     */
    uint64_t id;
} sg_trainer;

/**
 * Why a call failed. Plain data of the caller: pass it uninitialised, read it after the call, free nothing.
 *
 * Each thread needs its own, or its turn.
 */
typedef struct {
    /**
     * What the call returned.
     */
    sg_status status;
    /**
     * One line of UTF-8, ended by a zero: what stood in the way and what to do about it. Empty if the call succeeded.
     */
    char message[SG_MESSAGE_BYTES];
} sg_error;

/**
 * Rows on their way into a model. Open until `sg_batch_close`; calls on one batch take turns.
 */
typedef struct {
    /**
     * What the library knows it by; zero is no batch.
     */
    uint64_t id;
} sg_batch;

/**
 * The type of a tensor's elements: one of `SG_FLOAT32` and so on.
 */
typedef int32_t sg_dtype;

/**
 * Memory of the caller for one named output.
 */
typedef struct {
    /**
     * The output's name, ended by a zero.
     */
    const char *name;
    /**
     * What `values` leads to; it must be the output's own dtype.
     */
    sg_dtype dtype;
    /**
     * Where its values go: rows first, then its shape, row-major. Those of strings are `sg_bytes`, which are made to lead into `bytes`
     * of the `sg_predictions`.
     */
    void *values;
    /**
     * How many values there is room for.
     */
    size_t capacity;
    /**
     * Written: how many values there are.
     */
    size_t length;
} sg_output;

/**
 * A metric by the name that the bundle gives it, or `loss`: set `name`, the call writes the rest. Plain data of the caller.
 */
typedef struct {
    /**
     * The metric's name, ended by a zero.
     */
    const char *name;
    /**
     * Written: its value over all rows; not a number while it has none.
     */
    double value;
    /**
     * Written: its value over the sliding window.
     */
    double window;
} sg_metric;

/**
 * Metrics by kind; not a number where the bundle has none of that kind, or no value yet. Of several of one kind, the first.
 */
typedef struct {
    /**
     * The mean loss of all rows.
     */
    double loss;
    /**
     * The share of right predictions.
     */
    double accuracy;
    /**
     * The share of predictions with the right class among the k most probable.
     */
    double top_k;
    /**
     * The area under the ROC curve.
     */
    double auc;
    /**
     * The mean negative log likelihood, in nats.
     */
    double logloss;
    /**
     * The mean absolute error.
     */
    double mae;
    /**
     * The root of the mean squared error.
     */
    double rmse;
} sg_metric_values;

/**
 * What a step found and made. Plain data of the caller, to be initialised with `SG_REPORT` or `SG_REPORT_OUTPUTS`.
 *
 * It belongs to the caller alone: nothing in it changes while training goes on.
 */
typedef struct {
    /**
     * `sizeof(sg_report)`.
     */
    size_t size;
    /**
     * Room for the predictions of a model with one output of `float`; null if they are not wanted here.
     */
    float *predictions;
    /**
     * How many predictions there is room for.
     */
    size_t capacity;
    /**
     * Room for outputs by name; null if there are none.
     */
    sg_output *outputs;
    /**
     * How many of them.
     */
    size_t output_count;
    /**
     * Metrics wanted by name; null if there are none.
     */
    sg_metric *named_metrics;
    /**
     * How many of them.
     */
    size_t named_metric_count;
    /**
     * Written: the loss of the batch in the training pass, before the update, regularizers included.
     */
    double loss;
    /**
     * Written: the rows learned.
     */
    size_t rows;
    /**
     * Written: the version that the gradient was computed from, which also made the predictions.
     */
    uint64_t gradient_version;
    /**
     * Written: the version that the step made.
     */
    uint64_t version;
    /**
     * Written: the nanoseconds that it took to get the newest version,
     */
    uint64_t pull_nanoseconds;
    /**
     * Written: to run the graph, checks of the batch included,
     */
    uint64_t run_nanoseconds;
    /**
     * Written: and to update.
     */
    uint64_t push_nanoseconds;
    /**
     * Written: the metrics since start, this batch included.
     */
    sg_metric_values metrics;
    /**
     * Written: the metrics over the sliding window.
     */
    sg_metric_values window;
} sg_report;

/**
 * Where predictions go. Plain data of the caller, to be initialised with `SG_PREDICTIONS` or `SG_PREDICTIONS_OUTPUTS`.
 */
typedef struct {
    /**
     * `sizeof(sg_predictions)`.
     */
    size_t size;
    /**
     * Room for the values of a model with one output of `float`; null if they are not wanted here.
     */
    float *values;
    /**
     * How many values there is room for.
     */
    size_t capacity;
    /**
     * Room for outputs by name; null if there are none.
     */
    sg_output *outputs;
    /**
     * How many of them.
     */
    size_t output_count;
    /**
     * Written: the rows predicted.
     */
    size_t rows;
    /**
     * Written: the version of the parameters that predicted: its number.
     */
    uint64_t version;
    /**
     * Written: the lineage of that version: both together are its `sg_version_id`.
     */
    uint64_t lineage;
    /**
     * Room for the bytes of the strings among `outputs`, all behind each other without a zero; null: the call only writes
     * `byte_length`, if there are such outputs.
     */
    char *bytes;
    /**
     * How many bytes there is room for.
     */
    size_t byte_capacity;
    /**
     * Written: how many bytes these strings are.
     */
    size_t byte_length;
} sg_predictions;

/**
 * Loss and metrics of one version over all rows of some batches. Plain data of the caller, to be initialised with
 * `SG_EVALUATION_INIT`.
 */
typedef struct {
    /**
     * `sizeof(sg_evaluation)`.
     */
    size_t size;
    /**
     * Metrics wanted by name; null if there are none. Their `window` is written as `value` is.
     */
    sg_metric *named_metrics;
    /**
     * How many of them.
     */
    size_t named_metric_count;
    /**
     * Written: the version that was evaluated.
     */
    uint64_t version;
    /**
     * Written: the rows.
     */
    uint64_t rows;
    /**
     * Written: the metrics over all rows; `loss` has the regularizers in it.
     */
    sg_metric_values metrics;
} sg_evaluation;

/**
 * A version that a store keeps. Plain data of the caller.
 */
typedef struct {
    /**
     * The version.
     */
    sg_version_id version;
    /**
     * What it builds on, if only its changes were written; else itself.
     */
    sg_version_id base;
    /**
     * When it was taken, in milliseconds since 1970.
     */
    uint64_t time_milliseconds;
    /**
     * The bytes of its tensors' files, without those of what it builds on.
     */
    uint64_t bytes;
} sg_kept_version;

/**
 * What became of a store's snapshots so far. Plain data of the caller, to be initialised with `SG_STORE_STATUS_INIT`.
 */
typedef struct {
    /**
     * `sizeof(sg_store_status)`.
     */
    size_t size;
    /**
     * Written: 1 if there is a saved version, else 0.
     */
    int32_t has_saved;
    /**
     * Written: 1 if a version waits for its turn or is being written, else 0.
     */
    int32_t waiting;
    /**
     * Written: the version saved last.
     */
    sg_version_id saved;
    /**
     * Written: when that was taken, in milliseconds since 1970.
     */
    uint64_t saved_milliseconds;
    /**
     * Written: the attempts that failed since one did not.
     */
    uint64_t failures;
    /**
     * Written: why the last attempt failed, one line as in `sg_error`; empty if it did not.
     */
    char message[SG_MESSAGE_BYTES];
} sg_store_status;

/**
 * What `sg_saved_model_write` writes. Plain data of the caller, to be initialised with `SG_SAVED_MODEL`; zero is the default.
 */
typedef struct {
    /**
     * `sizeof(sg_saved_model)`.
     */
    size_t size;
    /**
     * The folder of the bundle.
     */
    const char *bundle;
    /**
     * The folder of a store, whose writer goes on meanwhile, in this or any other process; null: the bundle's own values, as number 0.
     */
    const char *store;
    /**
     * The version, which the store keeps; null: what was saved there last.
     */
    const sg_version_id *version;
    /**
     * The TensorFlow library or its folder; null: found by the order in README.md.
     */
    const char *tensorflow;
    /**
     * Zero-terminated names of ops that the graph may hold although they reach beyond the process.
     */
    const char *const *allowed_ops;
    /**
     * How many names.
     */
    size_t allowed_op_count;
} sg_saved_model;

/**
 * An opened, verified bundle. Open until `sg_bundle_close`; any number of threads at once.
 */
typedef struct {
    /**
     * What the library knows it by; zero is no bundle.
     */
    uint64_t id;
} sg_bundle;

/**
 * A model that predicts by the newest version there is, wherever it comes from. Open until `sg_predictor_close`; any number of
 * threads at once, none of which waits for a version or fails for one.
 */
typedef struct {
    /**
     * What the library knows it by; zero is no predictor.
     */
    uint64_t id;
} sg_predictor;

/**
 * What a tensor is for: one of `SG_FEATURE` and so on.
 */
typedef int32_t sg_role;

/**
 * The description of a tensor. Plain data of the caller, to be initialised with `SG_TENSOR_INIT`.
 */
typedef struct {
    /**
     * `sizeof(sg_tensor)`.
     */
    size_t size;
    /**
     * Written: its name, ended by a zero.
     */
    char name[SG_NAME_BYTES];
    /**
     * Written: what it is for.
     */
    sg_role role;
    /**
     * Written: the type of its elements.
     */
    sg_dtype dtype;
    /**
     * Written: how many dimensions; zero for a scalar.
     */
    size_t rank;
    /**
     * Written: their sizes.
     */
    size_t shape[SG_MAX_RANK];
    /**
     * Written: the product of the sizes.
     */
    size_t elements;
    /**
     * Written: the record's fields that fill a row: one, or as many as elements; none for what no record fills.
     */
    size_t field_count;
    /**
     * Written: 1 if a row has any number of values, each of this dtype, one after the other; else 0.
     */
    size_t ragged;
    /**
     * Written: 1 if values may be missing (NaN, the lowest integer, the empty string, a field that `sg_batch_add` is not given); else 0.
     */
    size_t optional;
} sg_tensor;

/**
 * One element of a string tensor: bytes of the caller, which may hold zeros and need none at their end.
 */
typedef struct {
    /**
     * The first byte; may be null if there is none.
     */
    const char *data;
    /**
     * How many bytes.
     */
    size_t length;
} sg_bytes;

/**
 * The value of one of a record's fields.
 */
typedef struct {
    /**
     * The field's name, ended by a zero.
     */
    const char *name;
    /**
     * What `values` leads to: `SG_FLOAT32` for `float`, `SG_STRING` for `sg_bytes`, and so on.
     */
    sg_dtype dtype;
    /**
     * The field's values; most fields have one, that of a ragged column any number.
     */
    const void *values;
    /**
     * How many values.
     */
    size_t length;
} sg_field;

/**
 * Whether a trainer learns, and what its guard has seen. Plain data of the caller, to be initialised with `SG_TRAINING_STATUS_INIT`.
 */
typedef struct {
    /**
     * `sizeof(sg_training_status)`.
     */
    size_t size;
    /**
     * Written: what keeps it from learning: `SG_OK` for nothing, `SG_PAUSED` or `SG_STOPPED`.
     */
    int32_t learning;
    /**
     * Written: 1 if there is a saved version, else 0.
     */
    int32_t has_saved;
    /**
     * Written: the newest version.
     */
    sg_version_id version;
    /**
     * Written: the version saved last.
     */
    sg_version_id saved;
    /**
     * Written: the learning rate of the next step.
     */
    double learning_rate;
    /**
     * Written: the rows that the metrics have seen.
     */
    uint64_t rows;
    /**
     * Written: the mean loss of these rows; NaN if there are none.
     */
    double loss;
    /**
     * Written: updates refused because something was not finite.
     */
    uint64_t not_finite;
    /**
     * Written: updates refused because the norm of the gradient was far beyond those before.
     */
    uint64_t outliers;
    /**
     * Written: of those the ones in a row, up to now.
     */
    uint64_t in_row;
    /**
     * Written: how often there were so many in a row that the trainer paused or went back.
     */
    uint64_t responses;
    /**
     * Written: refused batches that wait to be drained.
     */
    uint64_t quarantined;
    /**
     * Written: refused batches that were dropped for newer ones.
     */
    uint64_t dropped;
    /**
     * Written: the norm of the last gradient; NaN if norms are not bounded.
     */
    double norm;
    /**
     * Written: the largest norm that is not refused; NaN if there is no bound, or not yet.
     */
    double limit;
    /**
     * Written: why it is paused, one line; empty if it is not.
     */
    char message[SG_MESSAGE_BYTES];
} sg_training_status;

/**
 * A batch that a trainer refused to learn. Plain data of the caller, to be initialised with `SG_QUARANTINED_INIT`.
 */
typedef struct {
    /**
     * `sizeof(sg_quarantined)`.
     */
    size_t size;
    /**
     * Written: a copy of its rows, to be closed by the caller; an id of zero if no batch waited, and nothing else is written then.
     */
    sg_batch batch;
    /**
     * Written: how many rows.
     */
    size_t rows;
    /**
     * Written: the version that was not changed.
     */
    sg_version_id version;
    /**
     * Where the position goes that `sg_trainer_step_to` gave; null if it is not wanted.
     */
    void *position;
    /**
     * The bytes that there is room for.
     */
    size_t position_capacity;
    /**
     * Written: the bytes of the position; zero if there was none.
     */
    size_t position_bytes;
    /**
     * Written: when, in milliseconds since 1970.
     */
    uint64_t time_milliseconds;
    /**
     * Written: what the step returned: `SG_NON_FINITE` or `SG_OUTLIER`.
     */
    int32_t reason;
    /**
     * Zero.
     */
    int32_t reserved;
    /**
     * Written: why, one line as in `sg_error`.
     */
    char message[SG_MESSAGE_BYTES];
} sg_quarantined;

/**
 * A row of a record batch that was refused. Plain data of the caller, to be written.
 */
typedef struct {
    /**
     * Which one; the first is 0.
     */
    uint64_t row;
    /**
     * One line of UTF-8, ended by a zero: the field and what is wrong with its value.
     */
    char reason[SG_MESSAGE_BYTES];
} sg_refusal;

/**
 * A pinned version. Its memory is held until `sg_pin_close`; any number of threads at once.
 */
typedef struct {
    /**
     * What the library knows it by; zero is no pin.
     */
    uint64_t id;
} sg_pin;

/**
 * The gradients of one batch, not yet applied. Immutable until `sg_gradients_close`; any number of threads at once.
 */
typedef struct {
    /**
     * What the library knows it by; zero is no gradients.
     */
    uint64_t id;
} sg_gradients;

/**
 * How a predictor is opened. Plain data of the caller, to be initialised with `SG_PREDICTOR_OPTIONS_INIT`; zero is the default.
 */
typedef struct {
    /**
     * `sizeof(sg_predictor_options)`.
     */
    size_t size;
    /**
     * The TensorFlow library or its folder; null: found by the order in README.md.
     */
    const char *tensorflow;
    /**
     * Threads inside one op; default one. TensorFlow has one such pool per process, sized by its first session.
     */
    int32_t intra_op_threads;
    /**
     * Threads that run ops beside each other; default none: every op runs in the calling thread.
     */
    int32_t inter_op_threads;
    /**
     * How often to look for a newer version; default 1, `SG_NEVER` for never: then the host calls `sg_predictor_look`, or names the
     * versions.
     */
    double every_seconds;
    /**
     * Zero-terminated names of ops that the graph may hold although they reach beyond the process.
     */
    const char *const *allowed_ops;
    /**
     * How many names.
     */
    size_t allowed_op_count;
    /**
     * The signature of a SavedModel to predict by; null: `serving_default`, or the only one that it has.
     */
    const char *signature;
} sg_predictor_options;

/**
 * What a predictor predicts by, and what could not take its place. Plain data of the caller, to be initialised with
 * `SG_SERVING_STATUS_INIT`.
 */
typedef struct {
    /**
     * `sizeof(sg_serving_status)`.
     */
    size_t size;
    /**
     * Written: the version that predicts.
     */
    sg_version_id version;
    /**
     * Written: 1 if it is known when that version was made, else 0: a bundle's own values and a trainer in this process do not say.
     */
    int32_t has_made;
    /**
     * Written: 1 if it stays until `sg_predictor_unpin`, else 0.
     */
    int32_t pinned;
    /**
     * Written: when it was made, in milliseconds since 1970, by the clock of the machine that did.
     */
    uint64_t made_milliseconds;
    /**
     * Written: how long ago that was, as the two machines' clocks have it.
     */
    double age_seconds;
    /**
     * Written: since when it predicts here, in milliseconds since 1970; 0 for the newest version of a trainer in this process.
     */
    uint64_t since_milliseconds;
    /**
     * Written: how often one version took the place of another here.
     */
    uint64_t swaps;
    /**
     * Written: `SG_OK`, or the status of why the newest version does not predict, or of why nobody can tell which one that is.
     */
    int32_t problem;
    /**
     * Written: 1 if `refused` is the version that was refused, else 0.
     */
    int32_t has_refused;
    /**
     * Written: the version that was refused.
     */
    sg_version_id refused;
    /**
     * Written: when that problem was met last, in milliseconds since 1970.
     */
    uint64_t problem_milliseconds;
    /**
     * Written: the attempts that failed since there was no such problem.
     */
    uint64_t failures;
    /**
     * Written: the problem, one line as in `sg_error`; empty if there is none.
     */
    char message[SG_MESSAGE_BYTES];
} sg_serving_status;

/**
 * An event of the library's log. Plain data of the caller.
 */
typedef struct {
    /**
     * When it happened, in milliseconds since 1970.
     */
    uint64_t time_milliseconds;
    /**
     * `SG_LOG_ERROR`, `SG_LOG_WARNING` or `SG_LOG_INFO`.
     */
    int32_t level;
    /**
     * The part of the library that says so, ended by a zero.
     */
    char target[SG_TARGET_BYTES];
    /**
     * One line as in `sg_error`.
     */
    char message[SG_MESSAGE_BYTES];
} sg_log_event;

/**
 * `float`.
 */
#define SG_FLOAT32 1

/**
 * `double`.
 */
#define SG_FLOAT64 2

/**
 * `int32_t`.
 */
#define SG_INT32 3

/**
 * `uint8_t`.
 */
#define SG_UINT8 4

/**
 * `int16_t`.
 */
#define SG_INT16 5

/**
 * `int8_t`.
 */
#define SG_INT8 6

/**
 * `sg_bytes`.
 */
#define SG_STRING 7

/**
 * `float _Complex`: the real part, then the imaginary one, each a `float`.
 */
#define SG_COMPLEX64 8

/**
 * `int64_t`.
 */
#define SG_INT64 9

/**
 * `bool`, one byte, 0 or 1.
 */
#define SG_BOOL 10

/**
 * The upper half of a `float`, two bytes.
 */
#define SG_BFLOAT16 14

/**
 * `uint16_t`.
 */
#define SG_UINT16 17

/**
 * `double _Complex`: the real part, then the imaginary one, each a `double`.
 */
#define SG_COMPLEX128 18

/**
 * `_Float16`, two bytes as IEEE 754 has them.
 */
#define SG_FLOAT16 19

/**
 * `uint32_t`.
 */
#define SG_UINT32 22

/**
 * `uint64_t`.
 */
#define SG_UINT64 23

/**
 * An input of the model; its shape is that of one row.
 */
#define SG_FEATURE 1

/**
 * What the model learns from, and predicting does without; its shape is that of one row.
 */
#define SG_LABEL 2

/**
 * The weight of a row in the loss; predicting does without.
 */
#define SG_WEIGHT 3

/**
 * What the model predicts; its shape is that of one row.
 */
#define SG_OUTPUT 4

/**
 * What gradients move; its shape is the whole shape.
 */
#define SG_PARAMETER 5

/**
 * What the training pass itself replaces, such as moving averages; its shape is the whole shape.
 */
#define SG_STATE 6

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The number of the contract that the library keeps; a program compiled against another `SG_ABI` must not go on.
 *
 * Thread-safe.
 */
uint32_t sg_abi(void);

/**
 * The library's version, such as "0.1.0": static, zero-terminated, never to be freed.
 *
 * Thread-safe.
 */
const char *sg_version(void);

/**
 * Verifies the bundle in the folder `bundle`, loads TensorFlow unless it is loaded, and opens a session.
 *
 * `options` may be null for the defaults. Thread-safe.
 */
sg_status sg_trainer_open(const char *bundle, const sg_trainer_options *options, sg_trainer *trainer, sg_error *error);

/**
 * Learns from a batch: one forward pass, one backward pass, one update. `report` may be null.
 *
 * The report's predictions are those of the parameters before the update. Thread-safe.
 */
sg_status sg_trainer_step(sg_trainer trainer, sg_batch batch, sg_report *report, sg_error *error);

/**
 * As `sg_trainer_step`, and notes with it where the host is in its stream after this batch: some bytes of its own.
 *
 * The version that the step makes holds them, and so does all that is saved of it. Thread-safe.
 */
sg_status sg_trainer_step_to(sg_trainer trainer,
                             sg_batch batch,
                             const void *position,
                             size_t position_bytes,
                             sg_report *report,
                             sg_error *error);

/**
 * Copies what the host said last with `sg_trainer_step_to`, in this process or before the store was opened again, and how many
 * bytes that is: none if it never said anything.
 *
 * With `position` null and `capacity_bytes` zero it only writes `length_bytes`. Thread-safe.
 */
sg_status sg_trainer_position(sg_trainer trainer,
                              void *position,
                              size_t capacity_bytes,
                              size_t *length_bytes,
                              sg_error *error);

/**
 * Predicts the rows of a batch with the newest version; labels and weights are not looked at. Thread-safe.
 */
sg_status sg_trainer_predict(sg_trainer trainer, sg_batch batch, sg_predictions *predictions, sg_error *error);

/**
 * The loss and the metrics of some batches, by one version, in inference; nothing is learned. Thread-safe.
 */
sg_status sg_trainer_evaluate(sg_trainer trainer,
                              const sg_batch *batches,
                              size_t batch_count,
                              sg_evaluation *evaluation,
                              sg_error *error);

/**
 * Reads progressive metrics by name, since start and over the window, as a report of the last step would have them.
 *
 * Thread-safe.
 */
sg_status sg_trainer_metrics(sg_trainer trainer, sg_metric *metrics, size_t metric_count, sg_error *error);

/**
 * Writes the number of the newest version: the steps since the bundle's own values. Thread-safe.
 */
sg_status sg_trainer_version(sg_trainer trainer, uint64_t *version, sg_error *error);

/**
 * Writes the learning rate of the next step: the default optimizer's, if groups of parameters have their own. Thread-safe.
 */
sg_status sg_trainer_learning_rate(sg_trainer trainer,
                                   float *rate,
                                   sg_error *error);

/**
 * Writes the bytes of native memory that parameters, state, slots and frozen weights take; TensorFlow's own comes on top.
 *
 * Thread-safe.
 */
sg_status sg_trainer_memory(sg_trainer trainer,
                            size_t *bytes,
                            sg_error *error);

/**
 * Copies the trainer as it is now in Prometheus' text format (0.0.4), ended by a zero, and its bytes without the zero to `length`.
 *
 * With `text` null and `capacity` zero it only writes `length`; the text may be some bytes longer at the next call. Thread-safe.
 */
sg_status sg_trainer_prometheus(sg_trainer trainer,
                                char *text,
                                size_t capacity,
                                size_t *length,
                                sg_error *error);

/**
 * Copies a parameter or a piece of state of the newest version, row-major, and its number of values to `length`.
 *
 * `dtype` must be its own. With `values` null and `capacity` zero it only writes `length`. Thread-safe.
 */
sg_status sg_trainer_parameter(sg_trainer trainer,
                               const char *name,
                               sg_dtype dtype,
                               void *values,
                               size_t capacity,
                               size_t *length,
                               sg_error *error);

/**
 * Makes the handle void: no call takes it any more, those in flight end as they would have, the last of them frees the model
 * and saves, if there is a store, as its options say.
 *
 * Does nothing if it is void. Thread-safe.
 */
sg_status sg_trainer_close(sg_trainer trainer);

/**
 * Saves the newest version, and returns when it, or a newer one, will outlast the process and the machine's power.
 *
 * Writes which one that is to `version`, which may be null. An error says why it failed; learning goes on. Thread-safe.
 */
sg_status sg_trainer_save(sg_trainer trainer, sg_version_id *version, sg_error *error);

/**
 * Writes the newest version as a SavedModel into the folder `folder/<number>`, as TensorFlow Serving wants it: complete or not at all.
 *
 * Writes which version that is to `version`, which may be null. Refused with `SG_INVALID_INPUT` if `folder/<number>` exists. Training goes
 * on meanwhile. Thread-safe.
 */
sg_status sg_trainer_to_saved_model(sg_trainer trainer,
                                    const char *folder,
                                    sg_version_id *version,
                                    sg_error *error);

/**
 * Goes back to a version that is kept, with everything that belongs to it, and saves that as the first version of a new lineage.
 *
 * Writes its name to `made`, which may be null. If the version is not kept (`SG_INVALID_INPUT`) or damaged (`SG_INVALID_SNAPSHOT`),
 * nothing has changed. If it cannot be saved (`SG_IO`), the trainer has gone back, and the folder has not. Thread-safe.
 */
sg_status sg_trainer_rollback(sg_trainer trainer,
                              sg_version_id version,
                              sg_version_id *made,
                              sg_error *error);

/**
 * Copies what the store keeps, the oldest first, and how many versions that is. A damaged one is left out.
 *
 * With `versions` null and `capacity` zero it only writes `count`; another version may be saved before the next call. Thread-safe.
 */
sg_status sg_trainer_kept_versions(sg_trainer trainer,
                                   sg_kept_version *versions,
                                   size_t capacity,
                                   size_t *count,
                                   sg_error *error);

/**
 * Writes what became of the snapshots so far; without a store, nothing did. Thread-safe.
 */
sg_status sg_trainer_store_status(sg_trainer trainer, sg_store_status *status, sg_error *error);

/**
 * Saves the newest version when the process gets SIGTERM or SIGINT, in a thread of the library's own and not in the signal's
 * handler; then lets the signal end the process. A second signal ends it at once.
 *
 * To be called once in a process, by a host that leaves these signals to it; never inside a JVM.
 */
sg_status sg_trainer_save_on_signal(sg_trainer trainer,
                                    sg_error *error);

/**
 * Writes a version as a SavedModel into the folder `folder/<number>`, as TensorFlow Serving wants it: complete or not at all.
 *
 * Writes which version that is to `written`, which may be null. Refused with `SG_INVALID_INPUT` if `folder/<number>` exists, or if the store
 * keeps no such version or none at all, with `SG_INVALID_SNAPSHOT` if it is damaged. Of a trainer's newest version it is
 * `sg_trainer_to_saved_model`. Thread-safe.
 */
sg_status sg_saved_model_write(const sg_saved_model *model,
                               const char *folder,
                               sg_version_id *written,
                               sg_error *error);

/**
 * Opens and verifies the bundle in the folder `path`, as a trainer would, without TensorFlow.
 *
 * `allowed_ops` are zero-terminated names of ops that the graph may hold although they reach beyond the process.
 * Thread-safe.
 */
sg_status sg_bundle_open(const char *path,
                         const char *const *allowed_ops,
                         size_t allowed_op_count,
                         sg_bundle *bundle,
                         sg_error *error);

/**
 * The bundle that a trainer was opened from. It outlives the trainer. Thread-safe.
 */
sg_status sg_trainer_bundle(sg_trainer trainer, sg_bundle *bundle, sg_error *error);

/**
 * What the model of a predictor takes and gives: that of its bundle, or of the signature of its SavedModel. It outlives the predictor.
 *
 * Of numbered bundles it is the one that predicts now; all have the same columns. Thread-safe.
 */
sg_status sg_predictor_bundle(sg_predictor predictor,
                              sg_bundle *bundle,
                              sg_error *error);

/**
 * Copies the model's name and its zero to `name`; `length` is that of the name without its zero.
 *
 * With `name` null and `capacity` zero it only writes `length`. Thread-safe.
 */
sg_status sg_bundle_name(sg_bundle bundle, char *name, size_t capacity, size_t *length, sg_error *error);

/**
 * Writes how many tensors have this role (`SG_FEATURE` and so on). Thread-safe.
 */
sg_status sg_bundle_tensor_count(sg_bundle bundle, sg_role role, size_t *count, sg_error *error);

/**
 * Describes one tensor: the `index`th, from zero, of this role. Thread-safe.
 */
sg_status sg_bundle_tensor(sg_bundle bundle, sg_role role, size_t index, sg_tensor *tensor, sg_error *error);

/**
 * Copies the name of one of the record's fields that fill a feature, label or weight, and its zero, to `name`; as
 * `sg_bundle_name`.
 */
sg_status sg_bundle_field(sg_bundle bundle,
                          sg_role role,
                          size_t tensor,
                          size_t index,
                          char *name,
                          size_t capacity,
                          size_t *length,
                          sg_error *error);

/**
 * Makes the handle void; calls in flight end as they would have. Does nothing if it is void. Thread-safe.
 */
sg_status sg_bundle_close(sg_bundle bundle);

/**
 * Makes an empty batch for this trainer's model with room for `capacity` rows; memory is taken as it fills.
 *
 * It fits every trainer and every predictor of the same bundle, and outlives this one. Thread-safe.
 */
sg_status sg_batch_new(sg_trainer trainer, size_t capacity, sg_batch *batch, sg_error *error);

/**
 * Sets a whole column from `length` values, row after row, each row in row-major order; replaces what was in it.
 *
 * `dtype` is what `values` leads to and must be the column's; nothing is converted. The rows are `length` divided by the
 * elements of a row; when the batch is used, all columns must have as many. A ragged column takes `sg_batch_set_ragged`. Takes turns
 * with other calls on the batch.
 */
sg_status sg_batch_set(sg_batch batch,
                       const char *column,
                       sg_dtype dtype,
                       const void *values,
                       size_t length,
                       sg_error *error);

/**
 * `sg_batch_set` with `SG_FLOAT32`.
 */
sg_status sg_batch_set_f32(sg_batch batch, const char *column, const float *values, size_t length, sg_error *error);

/**
 * `sg_batch_set` with `SG_FLOAT64`.
 */
sg_status sg_batch_set_f64(sg_batch batch, const char *column, const double *values, size_t length, sg_error *error);

/**
 * `sg_batch_set` with `SG_INT32`.
 */
sg_status sg_batch_set_i32(sg_batch batch, const char *column, const int32_t *values, size_t length, sg_error *error);

/**
 * `sg_batch_set` with `SG_INT64`.
 */
sg_status sg_batch_set_i64(sg_batch batch, const char *column, const int64_t *values, size_t length, sg_error *error);

/**
 * `sg_batch_set` with `SG_UINT8`.
 */
sg_status sg_batch_set_u8(sg_batch batch, const char *column, const uint8_t *values, size_t length, sg_error *error);

/**
 * `sg_batch_set` with `SG_BOOL`.
 */
sg_status sg_batch_set_bool(sg_batch batch, const char *column, const bool *values, size_t length, sg_error *error);

/**
 * `sg_batch_set` with `SG_STRING`.
 */
sg_status sg_batch_set_strings(sg_batch batch,
                               const char *column,
                               const sg_bytes *values,
                               size_t length,
                               sg_error *error);

/**
 * Adds one row from a record's fields, in any order: all those of the features but what may be missing (`sg_tensor.optional`), where
 * NaN, the lowest integer and the empty string say so as well; those of a label or the weight all or none. A field set twice keeps the
 * later value. A label out of its range or a negative weight is refused, and the batch is as it was.
 *
 * Numbers are converted to the column's dtype where nothing but the precision of a float is lost. The field of a ragged column takes
 * any number of values, none included. The array can be made once, leading to a struct that holds one record after the other. Takes
 * turns with other calls on the batch.
 */
sg_status sg_batch_add(sg_batch batch,
                       const sg_field *fields,
                       size_t field_count,
                       sg_error *error);

/**
 * Says when the latest of these rows happened: milliseconds since 1970 began in UTC, not negative; cleared with the batch.
 *
 * Learning needs it where the rows of an embedding table expire by event time. Takes turns with other calls on the batch.
 */
sg_status sg_batch_set_event_time(sg_batch batch,
                                  int64_t milliseconds,
                                  sg_error *error);

/**
 * Removes all rows and the event time; the memory stays, for the next ones. Takes turns with other calls on the batch.
 */
sg_status sg_batch_clear(sg_batch batch, sg_error *error);

/**
 * Writes how many rows are in the batch: those of its fullest column. Takes turns with other calls on the batch.
 */
sg_status sg_batch_rows(sg_batch batch, size_t *rows, sg_error *error);

/**
 * Writes how many rows the batch has room for. Takes turns with other calls on the batch.
 */
sg_status sg_batch_capacity(sg_batch batch, size_t *capacity, sg_error *error);

/**
 * Makes the handle void; calls in flight end as they would have. Does nothing if it is void. Thread-safe.
 */
sg_status sg_batch_close(sg_batch batch);

/**
 * Learns no more until `sg_trainer_resume`: when this returns, the steps under way have ended, and further ones are `SG_PAUSED`.
 *
 * It predicts. Holds for all trainers of its store. Thread-safe.
 */
sg_status sg_trainer_pause(sg_trainer trainer,
                           sg_error *error);

/**
 * Learns again, if it was paused. Thread-safe.
 */
sg_status sg_trainer_resume(sg_trainer trainer, sg_error *error);

/**
 * Lets the steps under way end, saves the newest version, and learns no more: further steps are `SG_STOPPED`. It predicts.
 *
 * Writes which version is saved to `version`, which may be null; zeros if the parameters live in memory only. If it cannot be saved, the
 * trainer is stopped all the same, and another call tries again. Holds for all trainers of its store. Thread-safe.
 */
sg_status sg_trainer_stop(sg_trainer trainer,
                          sg_version_id *version,
                          sg_error *error);

/**
 * A constant learning rate from the next step on, for all groups of parameters and all trainers of its store alike; it is not saved.
 *
 * Thread-safe.
 */
sg_status sg_trainer_set_learning_rate(sg_trainer trainer,
                                       double rate,
                                       sg_error *error);

/**
 * Writes whether the trainer learns, and what its guard has seen. Thread-safe.
 */
sg_status sg_trainer_status(sg_trainer trainer, sg_training_status *status, sg_error *error);

/**
 * Hands out the oldest batch that was refused and waits. Thread-safe.
 */
sg_status sg_trainer_drain(sg_trainer trainer, sg_quarantined *quarantined, sg_error *error);

/**
 * Sets a whole ragged column from `length` values, those of all `rows` rows one after the other, of which the row `i` has
 * `row_lengths[i]`, none included; replaces what was in it.
 *
 * `dtype` is what `values` leads to and must be the column's; nothing is converted. The row lengths must add up to `length`.
 * `sg_tensor.ragged` says which columns are ragged. Takes turns with other calls on the batch.
 */
sg_status sg_batch_set_ragged(sg_batch batch,
                              const char *column,
                              sg_dtype dtype,
                              const void *values,
                              size_t length,
                              const size_t *row_lengths,
                              size_t rows,
                              sg_error *error);

/**
 * `sg_batch_set_ragged` with `SG_FLOAT32`.
 */
sg_status sg_batch_set_ragged_f32(sg_batch batch,
                                  const char *column,
                                  const float *values,
                                  size_t length,
                                  const size_t *row_lengths,
                                  size_t rows,
                                  sg_error *error);

/**
 * `sg_batch_set_ragged` with `SG_FLOAT64`.
 */
sg_status sg_batch_set_ragged_f64(sg_batch batch,
                                  const char *column,
                                  const double *values,
                                  size_t length,
                                  const size_t *row_lengths,
                                  size_t rows,
                                  sg_error *error);

/**
 * `sg_batch_set_ragged` with `SG_INT32`.
 */
sg_status sg_batch_set_ragged_i32(sg_batch batch,
                                  const char *column,
                                  const int32_t *values,
                                  size_t length,
                                  const size_t *row_lengths,
                                  size_t rows,
                                  sg_error *error);

/**
 * `sg_batch_set_ragged` with `SG_INT64`.
 */
sg_status sg_batch_set_ragged_i64(sg_batch batch,
                                  const char *column,
                                  const int64_t *values,
                                  size_t length,
                                  const size_t *row_lengths,
                                  size_t rows,
                                  sg_error *error);

/**
 * `sg_batch_set_ragged` with `SG_UINT8`.
 */
sg_status sg_batch_set_ragged_u8(sg_batch batch,
                                 const char *column,
                                 const uint8_t *values,
                                 size_t length,
                                 const size_t *row_lengths,
                                 size_t rows,
                                 sg_error *error);

/**
 * `sg_batch_set_ragged` with `SG_BOOL`.
 */
sg_status sg_batch_set_ragged_bool(sg_batch batch,
                                   const char *column,
                                   const bool *values,
                                   size_t length,
                                   const size_t *row_lengths,
                                   size_t rows,
                                   sg_error *error);

/**
 * `sg_batch_set_ragged` with `SG_STRING`.
 */
sg_status sg_batch_set_ragged_strings(sg_batch batch,
                                      const char *column,
                                      const sg_bytes *values,
                                      size_t length,
                                      const size_t *row_lengths,
                                      size_t rows,
                                      sg_error *error);

/**
 * Takes over a record batch by Arrow's C data interface (a struct array, whose children are columns named as the fields): its
 * rows replace those of the batch, and the event time is cleared.
 *
 * Columns that have the model's dtypes and no nulls stay where the host has them; if one has not, or a row is refused, all are copied and
 * converted as docs/records.md says. A row that lacks a feature or has a value that does not fit is refused, the others go in: `refused` says
 * how many, `refusals`, which may be null if `capacity` is zero, takes the first of them (of a hundred). If `refused` is null, a refused row is an error.
 *
 * `array` and `schema` are moved from: `release` of both is null afterwards, on success and on any error but `SG_UNSUPPORTED` (a library
 * built without Arrow), `SG_CLOSED`, `SG_NULL_POINTER` and `SG_MISALIGNED`. The host's own release callback is called by whoever lets go of the rows:
 * `sg_batch_clear`, `sg_batch_close`, the next import, or the call that was in flight meanwhile. A batch that holds a record batch takes no
 * other rows until it is cleared. Takes turns with other calls on the batch.
 */
sg_status sg_batch_import_arrow(sg_batch batch,
                                struct ArrowArray *array,
                                struct ArrowSchema *schema,
                                sg_refusal *refusals,
                                size_t capacity,
                                size_t *refused,
                                sg_error *error);

/**
 * Pins the newest version. Thread-safe.
 */
sg_status sg_trainer_pin(sg_trainer trainer, sg_pin *pin, sg_error *error);

/**
 * Predicts the rows of a batch with a pinned version of this trainer, or of another of the same bundle. Thread-safe.
 */
sg_status sg_trainer_predict_at(sg_trainer trainer,
                                sg_pin pin,
                                sg_batch batch,
                                sg_predictions *predictions,
                                sg_error *error);

/**
 * Writes the number of a pinned version. Thread-safe.
 */
sg_status sg_pin_version(sg_pin pin, uint64_t *version, sg_error *error);

/**
 * Makes the handle void; calls in flight end as they would have. Does nothing if it is void. Thread-safe.
 */
sg_status sg_pin_close(sg_pin pin);

/**
 * Computes the gradients of a batch without learning from it. Thread-safe.
 */
sg_status sg_trainer_gradients(sg_trainer trainer, sg_batch batch, sg_gradients *gradients, sg_error *error);

/**
 * Applies gradients that a trainer of the same bundle computed, as one step, to the newest version; writes the number of the
 * version that they made to `version`, which may be null. They stay open. Thread-safe.
 */
sg_status sg_trainer_apply(sg_trainer trainer,
                           sg_gradients gradients,
                           uint64_t *version,
                           sg_error *error);

/**
 * Copies the gradient of one parameter, row-major, and its number of values to `length`.
 *
 * With `values` null and `capacity` zero it only writes `length`. Thread-safe.
 */
sg_status sg_gradients_read(sg_gradients gradients,
                            const char *parameter,
                            float *values,
                            size_t capacity,
                            size_t *length,
                            sg_error *error);

/**
 * Writes the loss of the batch. Thread-safe.
 */
sg_status sg_gradients_loss(sg_gradients gradients, float *loss, sg_error *error);

/**
 * Hands out what the model predicted for the batch, and the version that did. Thread-safe.
 */
sg_status sg_gradients_predictions(sg_gradients gradients, sg_predictions *predictions, sg_error *error);

/**
 * Makes the handle void; calls in flight end as they would have. Does nothing if it is void. Thread-safe.
 */
sg_status sg_gradients_close(sg_gradients gradients);

/**
 * Predicts by what this trainer, and all others on its store, learn: by the newest version at each call.
 *
 * It shares the trainer's graph, and outlives the trainer; the store stays open as long. Thread-safe.
 */
sg_status sg_predictor_of(sg_trainer trainer, sg_predictor *predictor, sg_error *error);

/**
 * Predicts by the snapshots in `folder`, which a trainer of this bundle saves there in this or any other process, and follows them.
 *
 * As long as there is none, the bundle's own values predict; with `folder` null, always: then `bundle` may be a SavedModel, too, or a
 * JSON that describes a graph. `options` may be null for the defaults.
 * Thread-safe.
 */
sg_status sg_predictor_follow(const char *bundle,
                              const char *folder,
                              const sg_predictor_options *options,
                              sg_predictor *predictor,
                              sg_error *error);

/**
 * Predicts by the bundles or SavedModels in the subfolders `1`, `2`, ... of `folder`, which take and give the same columns: by the one with the
 * highest number that opens.
 *
 * `options` may be null for the defaults. Thread-safe.
 */
sg_status sg_predictor_numbered(const char *folder,
                                const sg_predictor_options *options,
                                sg_predictor *predictor,
                                sg_error *error);

/**
 * Makes an empty batch for this model with room for `capacity` rows, as `sg_batch_new` does. It fits every version. Thread-safe.
 */
sg_status sg_predictor_batch(sg_predictor predictor,
                             size_t capacity,
                             sg_batch *batch,
                             sg_error *error);

/**
 * Predicts the rows of a batch by one version, which the predictions name; labels and weights are not looked at. Thread-safe.
 */
sg_status sg_predictor_predict(sg_predictor predictor,
                               sg_batch batch,
                               sg_predictions *predictions,
                               sg_error *error);

/**
 * Writes the version that predicts. Thread-safe.
 */
sg_status sg_predictor_version(sg_predictor predictor, sg_version_id *version, sg_error *error);

/**
 * Writes what predicts, since when, and what could not take its place. Thread-safe.
 */
sg_status sg_predictor_status(sg_predictor predictor, sg_serving_status *status, sg_error *error);

/**
 * Writes the bytes of native memory that the version which predicts takes; TensorFlow's own comes on top.
 *
 * While the next version is loaded there are two. Thread-safe.
 */
sg_status sg_predictor_memory(sg_predictor predictor, size_t *bytes, sg_error *error);

/**
 * Looks for a newer version now and in this thread, and writes the one that predicts then to `version`, which may be null.
 *
 * An error says why the newest version was refused, or that the folder cannot be read; the version before goes on predicting.
 * While one is pinned, it stays. Thread-safe.
 */
sg_status sg_predictor_look(sg_predictor predictor,
                            sg_version_id *version,
                            sg_error *error);

/**
 * Loads this version in this thread, and predicts by it from then on; following goes on with the next version that appears.
 *
 * A lineage of `SG_ANY_LINEAGE` names it by its number. Writes its full name to `taken`, which may be null. If there is no such
 * version (`SG_INVALID_INPUT`, naming those that there are) or it is damaged, the version before goes on predicting. A trainer in
 * this process has one version to predict by; any other is `SG_UNSUPPORTED`. Thread-safe.
 */
sg_status sg_predictor_switch_to(sg_predictor predictor,
                                 sg_version_id version,
                                 sg_version_id *taken,
                                 sg_error *error);

/**
 * As `sg_predictor_switch_to`, and stays there until `sg_predictor_unpin`, or until the host names another. Thread-safe.
 */
sg_status sg_predictor_pin(sg_predictor predictor,
                           sg_version_id version,
                           sg_version_id *taken,
                           sg_error *error);

/**
 * Stays at the version that predicts now until `sg_predictor_unpin`, and writes it to `version`, which may be null. Thread-safe.
 */
sg_status sg_predictor_pin_current(sg_predictor predictor,
                                   sg_version_id *version,
                                   sg_error *error);

/**
 * Follows again, and at once. Thread-safe.
 */
sg_status sg_predictor_unpin(sg_predictor predictor, sg_error *error);

/**
 * Goes back to the version that predicted before this one and pins it, and writes it to `version`, which may be null; again, to the
 * one before that.
 *
 * If there was none, or it is not kept any more (`SG_INVALID_INPUT`), this one goes on predicting. With a trainer in this process it is
 * `SG_UNSUPPORTED`: `sg_trainer_rollback` is what goes back there. Thread-safe.
 */
sg_status sg_predictor_rollback(sg_predictor predictor,
                                sg_version_id *version,
                                sg_error *error);

/**
 * Makes the handle void: no call takes it any more, those in flight end as they would have; the last of them frees the model.
 *
 * Does nothing if it is void. Thread-safe.
 */
sg_status sg_predictor_close(sg_predictor predictor);

/**
 * Takes the oldest events out of the library's log and copies them, up to `capacity`, and how many these are to `count`.
 *
 * The log holds 1024 events; `lost`, which may be null, is how many older ones gave way to newer ones since the last call. With
 * `events` null and `capacity` zero it takes out none and writes how many wait. The log begins with the first call of this library
 * in the process. If a Rust program around it has a subscriber of `tracing` of its own, that one has the events. Thread-safe.
 */
sg_status sg_log_drain(sg_log_event *events,
                       size_t capacity,
                       size_t *count,
                       uint64_t *lost,
                       sg_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* STREAMGRAD_H */
