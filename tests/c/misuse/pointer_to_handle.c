#include <streamgrad.h>

sg_status misuse(sg_trainer *trainer)
{
    return sg_trainer_close(trainer); // must not compile
}
