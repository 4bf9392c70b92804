// SPDX-License-Identifier: MIT
// seep vm: a machine's memory, commit and pool against their limits, and where the commit went.
#include "report/vm.h"
#include "cli/cli.h"

#define LEFT_OUT                                                                                   \
    (1u << SEEP_FACT_ZOMBIE | 1u << SEEP_FACT_HANDLE | 1u << SEEP_FACT_HEAP |                      \
     1u << SEEP_FACT_BLOCKS)

static enum cli_exit run(const struct cli_args *args)
{
    struct cli_look look;
    struct seep_vm_doc doc;
    if (!cli_look_open(&look, args, LEFT_OUT))
        return cli_look_close(&look, true, SEEP_VERDICT_UNKNOWN);
    const struct seep_vm_options options = { .top = cli_top(args, CLI_TOP),
                                             .color = cli_color(args) };
    bool ok = seep_vm_doc_make(&look.data, &look.judgement, &options, &doc);
    if (ok && !doc.known)
        cli_look_empty(&look, "the memory of a machine",
                       "name a kernel dump, a Perfmon log or a recording of seep");
    if (ok)
        ok = cli_has(args, CLI_JSON) ? seep_vm_doc_json(&doc, stdout)
                                     : !doc.known || seep_vm_doc_text(&doc, stdout);
    enum seep_verdict verdict = ok ? seep_vm_doc_verdict(&doc) : SEEP_VERDICT_UNKNOWN;
    seep_vm_doc_clear(&doc);
    return cli_look_close(&look, ok, verdict);
}

const struct cli_command cli_vm = {
    .name = "vm",
    .group = "look",
    .arguments = "[FILE...]",
    .about = "memory, commit and pool against their limits, and where the commit went",
    .details =
        "From a kernel dump, a Perfmon log, a recording of seep or, without a FILE, this machine: "
        "what\n"
        "WinDbg's !vm shows, in its words, with a flag for each number that is near its limit; "
        "then the\n"
        "ledger of what is committed (processes, shared memory, both pools, kernel stacks, page "
        "tables,\n"
        "drivers, dead processes, and what nobody claims), which adds up; then the processes that\n"
        "commit most. What the FILE does not record is said, and is null in JSON.\n",
    .examples = "  seep vm MEMORY.DMP\n"
                "  seep vm --case srv.seep\n"
                "  seep vm MEMORY.DMP --json | jq '.ledger[] | select(.item == "
                "\"unattributed\")'\n",
    .options = CLI_BIT(CLI_JSON) | CLI_BIT(CLI_CASE) | CLI_BIT(CLI_AS) | CLI_BIT(CLI_TOP) |
               CLI_BIT(CLI_SYMBOLS),
    .max_files = (size_t)-1,
    .run = run,
};
