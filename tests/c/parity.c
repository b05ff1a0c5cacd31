/*
 * Ten steps on batches that Keras learned from: prints each loss, writes each parameter.
 *
 * parity BUNDLE FOLDER: the batches are FOLDER/<step>.<column>, raw; a parameter goes to FOLDER/<its index>.
 */
#include "check.h"

static size_t size_of(sg_dtype dtype)
{
    switch (dtype) {
    case SG_FLOAT64:
    case SG_INT64:
    case SG_UINT64:
        return 8;
    case SG_FLOAT32:
    case SG_INT32:
    case SG_UINT32:
        return 4;
    case SG_INT16:
    case SG_UINT16:
        return 2;
    default:
        return 1;
    }
}

static void set(sg_batch batch, const sg_tensor *column, const char *folder, int step)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%d.%s", folder, step, column->name);
    FILE *file = fopen(path, "rb");
    REQUIRE(file != NULL);
    static double memory[1 << 16];
    size_t bytes = fread(memory, 1, sizeof memory, file);
    REQUIRE(bytes > 0 && feof(file));
    fclose(file);
    OK(sg_batch_set(batch, column->name, column->dtype, memory, bytes / size_of(column->dtype), &error));
}

int main(int argc, char **argv)
{
    REQUIRE(argc == 3);
    sg_trainer trainer;
    OK(sg_trainer_open(argv[1], NULL, &trainer, &error));
    sg_bundle bundle;
    OK(sg_trainer_bundle(trainer, &bundle, &error));
    sg_batch batch;
    OK(sg_batch_new(trainer, 64, &batch, &error));
    for (int step = 0; step < 10; step++) {
        for (sg_role role = SG_FEATURE; role <= SG_LABEL; role++) {
            size_t count;
            OK(sg_bundle_tensor_count(bundle, role, &count, &error));
            for (size_t i = 0; i < count; i++) {
                sg_tensor column = SG_TENSOR_INIT;
                OK(sg_bundle_tensor(bundle, role, i, &column, &error));
                set(batch, &column, argv[2], step);
            }
        }
        sg_report report = SG_REPORT(NULL, 0);
        OK(sg_trainer_step(trainer, batch, &report, &error));
        REQUIRE(report.version == (uint64_t)step + 1 && report.gradient_version == (uint64_t)step);
        printf("%.9g\n", report.loss);
    }
    size_t count;
    OK(sg_bundle_tensor_count(bundle, SG_PARAMETER, &count, &error));
    for (size_t i = 0; i < count; i++) {
        sg_tensor parameter = SG_TENSOR_INIT;
        OK(sg_bundle_tensor(bundle, SG_PARAMETER, i, &parameter, &error));
        size_t length;
        OK(sg_trainer_parameter(trainer, parameter.name, SG_FLOAT32, NULL, 0, &length, &error));
        REQUIRE(length == parameter.elements);
        float *values = malloc(length * sizeof *values);
        OK(sg_trainer_parameter(trainer, parameter.name, SG_FLOAT32, values, length, &length, &error));
        char path[4096];
        snprintf(path, sizeof path, "%s/%zu", argv[2], i);
        FILE *file = fopen(path, "wb");
        REQUIRE(file && fwrite(values, sizeof *values, length, file) == length);
        fclose(file);
        free(values);
    }
    CLOSES(sg_bundle_close(bundle));
    CLOSES(sg_batch_close(batch));
    CLOSES(sg_trainer_close(trainer));
    return 0;
}
