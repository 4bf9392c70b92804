// SPDX-License-Identifier: MIT
// Who is behind pool tags: the user's files, what lies beside the logs, and the drivers.
#include "base/alloc.h"
#include "cli/cli.h"

struct cli_owners {
    int unused;
};

struct cli_owners *cli_owners_open(const struct cli_args *args, struct seep_dataset *data,
                                   struct seep_err *err)
{
    struct cli_owners *owners = seep_alloc(1, sizeof *owners);
    (void)args;
    (void)data;
    if (!owners)
        (void)seep_fail_memory(err);
    return owners;
}

void cli_owners_close(struct cli_owners *owners)
{
    seep_free(owners);
}
