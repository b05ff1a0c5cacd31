#include <streamgrad.h>

sg_status misuse(sg_trainer trainer, sg_report *report, sg_error *error)
{
    return sg_trainer_step(trainer, trainer, report, error); // must not compile
}
