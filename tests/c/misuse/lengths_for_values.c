#include <streamgrad.h>

sg_status misuse(sg_batch batch, const int64_t *ids, const int64_t *lengths, sg_error *error)
{
    return sg_batch_set_ragged_i64(batch, "items", ids, 4, lengths, 2, error); // must not compile
}
