// A predictor in C++17: it follows what a trainer saves, names versions and goes back.
#include <array>
#include <string>

#include "check.h"

int main(int argc, char **argv)
{
    const std::string flights = bundle(argc, argv, "flights");
    REQUIRE(argc == 3);
    const std::string model = std::string(argv[2]) + "/model";
    sg_folder_store store = SG_FOLDER_STORE(model.c_str());
    store.every_seconds = SG_NEVER;
    sg_trainer_options options = SG_TRAINER_OPTIONS_INIT;
    options.store = &store;
    sg_trainer trainer;
    OK(sg_trainer_open(flights.c_str(), &options, &trainer, &error));

    sg_predictor_options patient = SG_PREDICTOR_OPTIONS_INIT;
    patient.every_seconds = SG_NEVER;
    sg_predictor predictor;
    OK(sg_predictor_follow(flights.c_str(), model.c_str(), &patient, &predictor, &error));
    sg_batch batch;
    OK(sg_predictor_batch(predictor, 2, &batch, &error));
    const std::array<float, 8> numbers = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f};
    const std::array<float, 2> late = {0, 1};
    OK(sg_batch_set_f32(batch, "numbers", numbers.data(), numbers.size(), &error));
    OK(sg_batch_set_f32(batch, "late", late.data(), late.size(), &error));

    std::array<float, 2> values{}, before{};
    for (int i = 0; i < 2; i++) {
        OK(sg_trainer_step(trainer, batch, nullptr, &error)); // a predictor's batch serves its bundle's trainer
        sg_version_id saved{}, followed{};
        OK(sg_trainer_save(trainer, &saved, &error));
        OK(sg_predictor_look(predictor, &followed, &error));
        REQUIRE(followed.lineage == saved.lineage && followed.number == saved.number);
        before = values;
        sg_predictions predictions = SG_PREDICTIONS(values.data(), values.size());
        OK(sg_predictor_predict(predictor, batch, &predictions, &error));
        REQUIRE(predictions.version == saved.number && predictions.lineage == saved.lineage && values != before);
    }
    OK(sg_predictor_rollback(predictor, nullptr, &error));
    sg_predictions predictions = SG_PREDICTIONS(values.data(), values.size());
    OK(sg_predictor_predict(predictor, batch, &predictions, &error));
    REQUIRE(values == before && predictions.version == 1);
    sg_serving_status status = SG_SERVING_STATUS_INIT;
    OK(sg_predictor_status(predictor, &status, &error));
    REQUIRE(status.pinned && status.swaps == 3 && status.problem == SG_OK);
    REFUSED(SG_INVALID_INPUT, "no version", sg_predictor_switch_to(predictor, {SG_ANY_LINEAGE, 99}, nullptr, &error));
    OK(sg_predictor_switch_to(predictor, {SG_ANY_LINEAGE, 2}, nullptr, &error));
    CLOSES(sg_predictor_close(predictor));
    CLOSES(sg_trainer_close(trainer));
    CLOSES(sg_batch_close(batch));
    std::puts("two versions followed, one gone back to");
    return 0;
}
