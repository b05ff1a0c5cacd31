#include <streamgrad.h>

sg_status misuse(sg_batch batch, const double *values, sg_error *error)
{
    return sg_batch_set_f32(batch, "numbers", values, 4, error); // must not compile
}
