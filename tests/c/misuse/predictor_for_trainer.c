#include <streamgrad.h>

sg_status misuse(sg_predictor predictor, sg_batch batch, sg_error *error)
{
    return sg_trainer_step(predictor, batch, NULL, error); // must not compile
}
