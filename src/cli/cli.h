// SPDX-License-Identifier: MIT
// Commands: rows of a table. How to add one: docs/HOWTO.md.
#ifndef SEEP_CLI_CLI_H
#define SEEP_CLI_CLI_H

#include "base/arena.h"
#include "case/case.h"
#include "cli/options.h"
#include "detect/detect.h"
#include "model/control.h"
#include "report/stacks.h"
#include "source/source.h"

#include <stdio.h>

// Exit statuses (the contract of the command line).
enum cli_exit {
    CLI_EXIT_OK = 0,      // nothing leaks
    CLI_EXIT_LEAKING = 1, // at least one finding is `leaking`
    CLI_EXIT_USAGE = 2,   // wrong usage
    CLI_EXIT_INPUT = 3,   // an input could not be read, or only in part
};

struct cli_command {
    const char *name;
    const char *group;     // "judge", "watch", "look", "plumbing": the headings of the help
    const char *arguments; // "FILE...": as the usage line shows it
    const char *about;     // one line
    const char *details;   // paragraphs of the command's own help
    const char *examples;  // lines
    uint64_t options;      // a set of CLI_BIT
    size_t min_files, max_files;
    bool takes_command; // `-- CMD...`
    bool takes_pids;    // a number that names no file is a process of this machine
    enum cli_exit (*run)(const struct cli_args *args);
};

extern const struct cli_command cli_analyze, cli_facts, cli_heap, cli_map, cli_record, cli_report,
    cli_sources, cli_stacks, cli_pool, cli_vm, cli_zombies;
extern const struct cli_command *const cli_commands[];
extern const size_t cli_n_commands;

// Says `seep: FILE: what (at 0xOFFSET): hint` on stderr. `file` may be NULL.
void cli_complain(const struct seep_err *err, const char *file);

// Whether text on stdout is to be coloured.
bool cli_color(const struct cli_args *args);

// Flushes stdout; complains and returns false when what was printed did not all arrive.
bool cli_flush_output(void);

// Whether standard output could not be written: cli_flush_output says so at the end, and nobody
// else does.
bool cli_output_failed(void);

// help.c: the overview, the help of one command, and what is made from the rows ("man", "bash",
// "zsh", "fish").
void cli_help_overview(FILE *out);
void cli_help_command(const struct cli_command *command, FILE *out);
bool cli_help_generate(const char *what, FILE *out);

// input.c: reading files into a sink.
struct cli_file {
    const char *path;
    struct seep_os_map map;
    const struct seep_source *source;
    struct seep_symbols *symbols; // the caller's; NULL = addresses stay addresses
    bool brief, peek;             // as in seep_input; set between opening and reading
    uint32_t leave_out;           // the same
};

// Maps a file and finds the source that reads it (`as`: its name, NULL = by bids).
bool cli_file_open(const char *path, const char *as, struct cli_file *file, struct seep_err *err);
// The same, but a number that names no file is the PID of a process of this machine.
bool cli_file_or_process_open(const char *path, const char *as, struct cli_file *file,
                              struct seep_err *err);
void cli_file_close(struct cli_file *file);

// symbols.c: where names come from, by --symbols, _NT_ALT_SYMBOL_PATH, _NT_SYMBOL_PATH and the
// folders of the files; what is skipped is said on stderr. NULL with `err` only when memory is out.
struct seep_symbols *cli_symbols_open(const struct cli_args *args, struct seep_err *err);

// What names an address of a module has, for seep_stacks_namer: ctx is a struct cli_names.
struct cli_names {
    struct seep_symbols *symbols; // the caller's
    struct seep_intern strings;
};
size_t cli_name_address(void *ctx, const struct seep_module *module, uint64_t address,
                        struct seep_stacks_frame *frames, size_t max);

// blame.c: who is to blame for a site of a case. The profile of the case is made when first asked.
struct cli_blame {
    struct seep_case *c;
    const struct cli_args *args;
    const struct seep_dataset *data;
    struct cli_names names;
    struct seep_profile profile;
    struct seep_stacks_doc doc;
    struct seep_stacks_path path;
    bool tried, made;
};
// Makes `data->blame` answer; the caller keeps `blame` as long as it uses the data, and clears it.
void cli_blame_init(struct cli_blame *blame, struct seep_case *c, const struct cli_args *args,
                    struct seep_dataset *data);
void cli_blame_clear(struct cli_blame *blame);

// The losses of one file, kept for the head of a document. Zeroed = none.
struct cli_losses {
    struct seep_arena arena;
    struct seep_loss *at;
    size_t n, capacity;
};
void cli_losses_clear(struct cli_losses *losses);

// Reads the file into the sink with progress on a terminal. An OK read with harmful losses is
// SEEP_PARTIAL, and its first loss is said in `err`. `losses` may be NULL.
enum seep_status cli_file_read(const struct cli_file *file, struct seep_sink *sink, bool quiet,
                               struct cli_losses *losses, uint64_t *read_bytes,
                               struct seep_err *err);

// Reads files into a case, complaining about each that could not be read whole; `*worst` becomes
// CLI_EXIT_INPUT then. False only when the case itself cannot take more.
bool cli_import(struct seep_case *c, const struct cli_args *args, const char *const *files,
                size_t n_files, enum cli_exit *worst, struct seep_err *err);
// The same of this machine as it is now.
bool cli_import_machine(struct seep_case *c, const struct cli_args *args, enum cli_exit *worst,
                        struct seep_err *err);

// look.c: the newest look at a machine, from files, a case or this machine, and its judgement.
struct cli_look {
    const struct cli_args *args;
    struct cli_args import; // the same, with what need not be looked for
    struct seep_case *c;
    struct seep_dataset data;
    struct cli_blame blame;
    struct cli_owners *owners;
    struct seep_judgement judgement;
    enum cli_exit status;
};
// Puts the files into the case of --case, or into one that does not stay (then without the kinds of
// fact in `leave_out`, a bit each); judges it. False when it cannot be used: that was said.
bool cli_look_open(struct cli_look *look, const struct cli_args *args, uint32_t leave_out);
// What the exit status is, with a report that was `written` or not, and whose gravest verdict this
// is.
enum cli_exit cli_look_close(struct cli_look *look, bool written, enum seep_verdict verdict);
// Says that the files say nothing about `what`.
void cli_look_empty(struct cli_look *look, const char *what, const char *hint);
// --top, --stacks as a report takes them: 0 = its default.
size_t cli_top(const struct cli_args *args, enum cli_option option);

// owners.c: who is behind pool tags: --pooltag, --drivers and what lies beside the files.
struct cli_owners;
// Makes `data->owners` answer. NULL with `err` where something that was asked for cannot be read.
struct cli_owners *cli_owners_open(const struct cli_args *args, struct seep_dataset *data,
                                   struct seep_err *err);
void cli_owners_close(struct cli_owners *owners);

// judge.c: the known-good runs of --baseline.
struct cli_baselines;
// Reads them; `*exit` becomes CLI_EXIT_INPUT where one could not be read whole, which has been
// complained about. False when memory, or a temporary file, is out.
bool cli_baselines_open(struct cli_baselines **baselines, const struct cli_args *args,
                        enum cli_exit *exit, struct seep_err *err);
void cli_baselines_close(struct cli_baselines *baselines);
// Whether there are any, and each could be opened.
bool cli_baselines_usable(const struct cli_baselines *baselines);

// Judges a case as it is now, as cli_judge does; the caller clears the judgement.
bool cli_judge_now(struct seep_case *c, const struct cli_baselines *baselines,
                   struct seep_judgement *judgement, struct seep_err *err);

// Judges a case and writes its report to `out`; the findings are kept in the case where it can be
// written.
struct cli_judge {
    struct seep_case *c;
    const struct cli_args *args;
    const struct cli_baselines *baselines; // NULL = read those of `args`
    const char *command;                   // as the document names it
    const char *format;                    // "text" or "json"
    bool store;
    FILE *out;
};
bool cli_judge(const struct cli_judge *judge, enum cli_exit *exit, struct seep_err *err);

#endif
