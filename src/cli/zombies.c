// SPDX-License-Identifier: MIT
// seep zombies: dead processes that are still held, and by whom.
#include "report/zombies.h"
#include "cli/cli.h"

#define LEFT_OUT (1u << SEEP_FACT_POOL_TAG | 1u << SEEP_FACT_HEAP | 1u << SEEP_FACT_BLOCKS)

static enum cli_exit run(const struct cli_args *args)
{
    struct cli_look look;
    struct seep_zombies zombies;
    if (!cli_look_open(&look, args, LEFT_OUT))
        return cli_look_close(&look, true, SEEP_VERDICT_UNKNOWN);
    const struct seep_zombies_options options = { .top = cli_top(args, CLI_TOP),
                                                  .pids = cli_has(args, CLI_PIDS_TOO),
                                                  .color = cli_color(args) };
    bool ok = seep_zombies_make(&look.data, &look.judgement, &options, &zombies);
    if (ok && !zombies.known)
        cli_look_empty(&look, "dead processes",
                       "name a kernel dump of full or kernel memory, or a recording of seep");
    if (ok)
        ok = cli_has(args, CLI_JSON) ? seep_zombies_json(&zombies, stdout)
                                     : !zombies.known || seep_zombies_text(&zombies, stdout);
    enum seep_verdict verdict =
        ok ? zombies.worst ? zombies.worst->verdict : SEEP_VERDICT_UNKNOWN : SEEP_VERDICT_UNKNOWN;
    seep_zombies_clear(&zombies);
    return cli_look_close(&look, ok, verdict);
}

const struct cli_command cli_zombies = {
    .name = "zombies",
    .group = "look",
    .arguments = "[FILE...]",
    .about = "dead processes that are still held, and by whom",
    .details =
        "A process that has ended stays in memory as long as somebody holds a handle or a "
        "reference to\n"
        "it, costs commit, and its PID is not reused. From a kernel dump, a recording of seep or,\n"
        "without a FILE, this machine: how many there are, which processes hold them with how "
        "many\n"
        "handles, and what they were. What no handle explains is held by the kernel itself: by a\n"
        "driver. What they cost is what the kernel charges them, or an estimate by their number.\n"
        "PIDs above 50000, and processes with more than 10000 handles, are hints.\n",
    .examples = "  seep zombies MEMORY.DMP\n"
                "  seep zombies MEMORY.DMP --pids --top 1\n"
                "  seep zombies --json | jq '.holders[0]'\n",
    .options = CLI_BIT(CLI_JSON) | CLI_BIT(CLI_CASE) | CLI_BIT(CLI_AS) | CLI_BIT(CLI_TOP) |
               CLI_BIT(CLI_PIDS_TOO) | CLI_BIT(CLI_SYMBOLS),
    .max_files = (size_t)-1,
    .run = run,
};
