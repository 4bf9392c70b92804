#include "symbols/readable.h"
bool seep_symbol_readable(const char *name, struct seep_buf *out)
{
    seep_buf_adds(out, name);
    return false;
}
