#include <streamgrad.h>

sg_status misuse(sg_pin pin, uint64_t *version, sg_error *error)
{
    return sg_trainer_version(pin, version, error); // must not compile
}
