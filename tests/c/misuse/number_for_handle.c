#include <streamgrad.h>

sg_status misuse(void)
{
    return sg_trainer_close(7); // must not compile
}
