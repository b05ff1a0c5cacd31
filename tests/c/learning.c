/* What learning promises: gradients applied by hand are a step, a pinned version stays, a held report does not change. */
#include "check.h"

enum { ROWS = 8 };

static void fill(sg_batch batch)
{
    float numbers[ROWS * 4], late[ROWS];
    for (int i = 0; i < ROWS * 4; i++)
        numbers[i] = (float)(i * 7 % 11) / 11;
    for (int i = 0; i < ROWS; i++)
        late[i] = (float)(i % 2);
    OK(sg_batch_set_f32(batch, "numbers", numbers, ROWS * 4, &error));
    OK(sg_batch_set_f32(batch, "late", late, ROWS, &error));
}

static void kernel(sg_trainer trainer, float values[4 * 32])
{
    size_t length;
    OK(sg_trainer_parameter(trainer, "dense/kernel", SG_FLOAT32, values, 4 * 32, &length, &error));
    REQUIRE(length == 4 * 32);
}

int main(int argc, char **argv)
{
    sg_trainer stepped, applied;
    sg_trainer_options options = SG_TRAINER_OPTIONS_INIT;
    options.metrics_window = 16;
    OK(sg_trainer_open(bundle(argc, argv, "flights"), &options, &stepped, &error));
    OK(sg_trainer_open(bundle(argc, argv, "flights"), NULL, &applied, &error));
    sg_batch batch; /* one batch serves every trainer of the bundle */
    OK(sg_batch_new(stepped, ROWS, &batch, &error));
    fill(batch);

    /* A step, and the same by hand. */
    float p[ROWS], q[ROWS], one[4 * 32], other[4 * 32];
    sg_report report = SG_REPORT(p, ROWS);
    OK(sg_trainer_step(stepped, batch, &report, &error));
    REQUIRE(report.rows == ROWS && report.gradient_version == 0 && report.version == 1 && report.run_nanoseconds > 0);
    sg_gradients gradients;
    OK(sg_trainer_gradients(applied, batch, &gradients, &error));
    float loss;
    OK(sg_gradients_loss(gradients, &loss, &error));
    REQUIRE(loss == (float)report.loss);
    sg_predictions predictions = SG_PREDICTIONS(q, ROWS);
    OK(sg_gradients_predictions(gradients, &predictions, &error));
    REQUIRE(memcmp(p, q, sizeof p) == 0 && predictions.version == 0);
    size_t length;
    OK(sg_gradients_read(gradients, "dense/kernel", NULL, 0, &length, &error));
    REQUIRE(length == 4 * 32);
    OK(sg_gradients_read(gradients, "dense/kernel", one, 4 * 32, &length, &error));
    uint64_t version;
    OK(sg_trainer_apply(applied, gradients, &version, &error));
    REQUIRE(version == 1);
    kernel(stepped, one);
    kernel(applied, other);
    REQUIRE(memcmp(one, other, sizeof one) == 0);
    CLOSES(sg_gradients_close(gradients));

    /* A pinned version, and a report in the caller's memory, stay as they are. */
    sg_pin pin;
    OK(sg_trainer_pin(stepped, &pin, &error));
    sg_predictions pinned = SG_PREDICTIONS(p, ROWS);
    OK(sg_trainer_predict_at(stepped, pin, batch, &pinned, &error));
    const sg_report held = report;
    for (int i = 0; i < 10; i++)
        OK(sg_trainer_step(stepped, batch, NULL, &error));
    REQUIRE(memcmp(&held, &report, sizeof held) == 0);
    predictions = (sg_predictions)SG_PREDICTIONS(q, ROWS);
    OK(sg_trainer_predict_at(stepped, pin, batch, &predictions, &error));
    REQUIRE(memcmp(p, q, sizeof p) == 0 && predictions.version == 1);
    OK(sg_pin_version(pin, &version, &error));
    REQUIRE(version == 1);
    OK(sg_trainer_predict(stepped, batch, &predictions, &error));
    REQUIRE(memcmp(p, q, sizeof p) != 0 && predictions.version == 11);
    CLOSES(sg_pin_close(pin));

    /* Evaluation learns nothing; the same batch may come twice. */
    const sg_batch twice[] = {batch, batch};
    sg_evaluation evaluation = SG_EVALUATION_INIT;
    OK(sg_trainer_evaluate(stepped, twice, 2, &evaluation, &error));
    REQUIRE(evaluation.rows == 2 * ROWS && evaluation.version == 11);
    report = (sg_report)SG_REPORT(NULL, 0);
    OK(sg_trainer_step(stepped, batch, &report, &error));
    REQUIRE(report.version == 12);
    double difference = evaluation.metrics.loss - report.loss;
    REQUIRE(difference < 1e-6 && difference > -1e-6);

    /* Metrics: by kind and by name, since start and over the window. */
    sg_metric auc = {"auc", 0, 0};
    OK(sg_trainer_metrics(stepped, &auc, 1, &error));
    REQUIRE(auc.value == report.metrics.auc && auc.window == report.window.auc);
    REQUIRE(auc.value > 0 && auc.value < 1 && auc.window > auc.value);
    REQUIRE(report.metrics.rmse != report.metrics.rmse); /* not a number: the bundle has no such metric */
    evaluation.named_metrics = &auc;
    evaluation.named_metric_count = 1;
    OK(sg_trainer_evaluate(stepped, &batch, 1, &evaluation, &error));
    REQUIRE(auc.value == evaluation.metrics.auc);

    size_t bytes;
    OK(sg_trainer_memory(stepped, &bytes, &error));
    REQUIRE(bytes >= 2 * (4 * 32 + 32 + 32 + 1) * sizeof(float));
    float rate;
    OK(sg_trainer_learning_rate(stepped, &rate, &error));
    REQUIRE(rate == 0.05f);
    CLOSES(sg_trainer_close(applied));
    CLOSES(sg_trainer_close(stepped));
    OK(sg_batch_rows(batch, &length, &error)); /* a batch outlives its trainer */
    REQUIRE(length == ROWS);
    CLOSES(sg_batch_close(batch));

    options.learning_rate = 0.25;
    OK(sg_trainer_open(bundle(argc, argv, "flights"), &options, &stepped, &error));
    OK(sg_trainer_learning_rate(stepped, &rate, &error));
    REQUIRE(rate == 0.25f);
    CLOSES(sg_trainer_close(stepped));
    printf("steps, gradients, pins and evaluations agree\n");
    return 0;
}
