// The header as C++17 sees it: types of their own, plain data, macros that initialise everything.
#include <type_traits>

#include "check.h"

static_assert(!std::is_convertible<sg_batch, sg_trainer>::value, "handles are types of their own");
static_assert(!std::is_convertible<sg_predictor, sg_trainer>::value, "handles are types of their own");
static_assert(!std::is_constructible<sg_trainer, sg_pin>::value, "handles are types of their own");
static_assert(std::is_trivially_copyable<sg_trainer>::value && sizeof(sg_trainer) == 8, "a handle goes in a register");
static_assert(std::is_trivial<sg_error>::value && std::is_trivial<sg_report>::value, "plain data");
static_assert(sizeof(sg_status) == 4 && sizeof(sg_dtype) == 4, "numbers of a fixed size");

int main()
{
    sg_report report = SG_REPORT(nullptr, 0);
    sg_report outputs = SG_REPORT_OUTPUTS(nullptr, 0);
    sg_predictions predictions = SG_PREDICTIONS(nullptr, 0);
    sg_predictions named = SG_PREDICTIONS_OUTPUTS(nullptr, 0);
    sg_trainer_options options = SG_TRAINER_OPTIONS_INIT;
    sg_evaluation evaluation = SG_EVALUATION_INIT;
    sg_tensor tensor = SG_TENSOR_INIT;
    sg_folder_store store = SG_FOLDER_STORE("model");
    sg_store_status status = SG_STORE_STATUS_INIT;
    sg_saved_model served = SG_SAVED_MODEL("flights.bundle");
    sg_guard guard = SG_GUARD_INIT;
    REQUIRE(served.size == sizeof served && served.store == nullptr && served.allowed_op_count == 0);
    sg_training_status training = SG_TRAINING_STATUS_INIT;
    sg_quarantined quarantined = SG_QUARANTINED_INIT(nullptr, 0);
    REQUIRE(guard.size == sizeof guard && guard.quarantine == 0 && options.guard == nullptr);
    REQUIRE(training.size == sizeof training && training.message[0] == 0);
    REQUIRE(quarantined.size == sizeof quarantined && quarantined.batch.id == 0 && quarantined.message[0] == 0);
    sg_predictor_options following = SG_PREDICTOR_OPTIONS_INIT;
    sg_serving_status serving = SG_SERVING_STATUS_INIT;
    REQUIRE(report.size == sizeof report && outputs.size == sizeof outputs && report.window.rmse == 0);
    REQUIRE(predictions.size == sizeof predictions && named.size == sizeof named && named.lineage == 0);
    REQUIRE(options.size == sizeof options && evaluation.size == sizeof evaluation && tensor.size == sizeof tensor);
    REQUIRE(store.size == sizeof store && store.restore == nullptr && status.size == sizeof status && status.message[0] == 0);
    REQUIRE(following.size == sizeof following && following.allowed_op_count == 0);
    REQUIRE(serving.size == sizeof serving && serving.problem == SG_OK && serving.message[0] == 0);
    REFUSED(SG_CLOSED, "trainer", sg_trainer_step(sg_trainer{}, sg_batch{}, &report, &error));
    printf("%s\n", sg_version());
    return 0;
}
