// SPDX-License-Identifier: MIT
// seep pool: kernel pool by tag, and the driver behind each.
#include "report/pool.h"
#include "cli/cli.h"

#include <string.h>

// What nobody looks at here and is dear to find.
#define LEFT_OUT                                                                                   \
    (1u << SEEP_FACT_ZOMBIE | 1u << SEEP_FACT_HANDLE | 1u << SEEP_FACT_HEAP |                      \
     1u << SEEP_FACT_BLOCKS)

static enum cli_exit run(const struct cli_args *args)
{
    struct cli_look look;
    struct seep_pool pool;
    const char *which = args->text[CLI_POOL];
    if (!cli_look_open(&look, args, LEFT_OUT))
        return cli_look_close(&look, true, SEEP_VERDICT_UNKNOWN);
    const struct seep_pool_options options = {
        .sort = cli_has(args, CLI_SORT) ? seep_pool_sort_named(args->text[CLI_SORT])
                                        : SEEP_POOL_BY_BYTES,
        .pool = which ? strcmp(which, "paged") == 0 : -1,
        .glob = args->text[CLI_TAG],
        .top = cli_top(args, CLI_TOP),
        .stacks = cli_top(args, CLI_STACKS),
        .color = cli_color(args),
    };
    bool ok = seep_pool_make(&look.data, &look.judgement, &options, &pool);
    if (ok && !pool.known)
        cli_look_empty(&look, "pool tags",
                       "name a kernel dump, a log of PoolMon or a recording of seep");
    if (ok)
        ok = cli_has(args, CLI_JSON) ? seep_pool_json(&pool, stdout)
                                     : !pool.known || seep_pool_text(&pool, stdout);
    enum seep_verdict verdict = ok ? seep_pool_verdict(&pool) : SEEP_VERDICT_UNKNOWN;
    seep_pool_clear(&pool);
    return cli_look_close(&look, ok, verdict);
}

const struct cli_command cli_pool = {
    .name = "pool",
    .group = "look",
    .arguments = "[OLD] [FILE...]",
    .about = "kernel pool by tag, and the driver behind each",
    .details =
        "From a kernel dump, logs of PoolMon, a recording of seep or, without a FILE, this "
        "machine:\n"
        "what each pool tag allocated, freed and has in use, in both pools, and which driver uses "
        "it.\n"
        "Two looks, in one file or in two (OLD and FILE), show what grew in between; a series of "
        "them\n"
        "gives a verdict. The tag with most bytes is often a victim: tags that grow together are "
        "one\n"
        "leak, and its source is named. Counts that wrap at 2^32 are taken as such.\n"
        "Drivers come from pooltag.txt and localtag.txt (--pooltag, beside a FILE, and of the "
        "Windows\n"
        "Kits), from a table of the tags of Windows, and from the drivers below --drivers, which "
        "are\n"
        "searched for the tag. With a trace of pool events (.etl) in the same case, or among the\n"
        "FILEs, the call stacks behind a tag are shown; --stacks N says how many.\n",
    .examples = "  seep pool MEMORY.DMP\n"
                "  seep pool monday.log tuesday.log --sort delta\n"
                "  seep pool --case srv.seep --drivers C:\\Windows\\System32\\drivers\n"
                "  seep pool poolmon.log pool.etl --tag 'WC*' --stacks 5\n"
                "  seep pool MEMORY.DMP --json | jq '.tags[] | select(.frees == 0)'\n",
    .options = CLI_BIT(CLI_JSON) | CLI_BIT(CLI_CASE) | CLI_BIT(CLI_AS) | CLI_BIT(CLI_TOP) |
               CLI_BIT(CLI_SORT) | CLI_BIT(CLI_POOL) | CLI_BIT(CLI_TAG) | CLI_BIT(CLI_DRIVERS) |
               CLI_BIT(CLI_POOLTAG) | CLI_BIT(CLI_STACKS) | CLI_BIT(CLI_SYMBOLS),
    .max_files = (size_t)-1,
    .run = run,
};
