#include <streamgrad.h>

sg_status misuse(sg_batch batch, sg_report *report, sg_error *error)
{
    return sg_trainer_step(batch, batch, report, error); // must not compile
}
