#include <streamgrad.h>

sg_status misuse(sg_trainer trainer, sg_batch batch, sg_report *report, sg_error *error)
{
    return sg_trainer_predict(trainer, batch, report, error); // must not compile
}
