/* A TensorFlow that is absent, too old or another than the one that is loaded. */
#include "check.h"

int main(int argc, char **argv)
{
    const char *flights = bundle(argc, argv, "flights");
    sg_trainer trainer, second;
    sg_trainer_options options = SG_TRAINER_OPTIONS_INIT;
    REQUIRE(argc == 4); /* the bundles, a library that is no TensorFlow, TensorFlow's framework library */
    options.tensorflow = "/no/such/place/libtensorflow_cc.so.2";
    REFUSED(SG_TENSORFLOW_NOT_FOUND, "/no/such/place", sg_trainer_open(flights, &options, &trainer, &error));
    options.tensorflow = argv[2];
    REFUSED(SG_TENSORFLOW_NOT_FOUND, "TF_SessionRun", sg_trainer_open(flights, &options, &trainer, &error));
    OK(sg_trainer_open(flights, NULL, &trainer, &error));
    options.tensorflow = argv[3];
    REFUSED(SG_TENSORFLOW_CONFLICT, argv[3], sg_trainer_open(flights, &options, &second, &error));
    CLOSES(sg_trainer_close(trainer));
    printf("one TensorFlow, named in each error\n");
    return 0;
}
