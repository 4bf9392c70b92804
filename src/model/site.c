// SPDX-License-Identifier: MIT
// The names of kinds of allocation sites.
#include "model/site.h"

#include <assert.h>

static const char *const kinds[] = {
    [SEEP_SITE_HEAP] = "heap",     [SEEP_SITE_VIRTUAL] = "virtual",     [SEEP_SITE_POOL] = "pool",
    [SEEP_SITE_HANDLE] = "handle", [SEEP_SITE_REFERENCE] = "reference",
};
static_assert(sizeof kinds / sizeof *kinds == SEEP_N_SITE_KINDS, "a name for every kind of site");

const char *seep_site_kind_name(enum seep_site_kind kind)
{
    return kinds[kind];
}
