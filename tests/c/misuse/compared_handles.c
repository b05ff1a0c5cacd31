#include <streamgrad.h>

int misuse(sg_trainer one, sg_trainer other)
{
    return one == other; // must not compile
}
