// SPDX-License-Identifier: MIT
// Scans folders of drivers and says what is in them, or who is behind some tags:
//
//   scan_drivers [--cache FILE] [--pooltag FILE] [--all] FOLDER... [-- TAG...]
//
// --all prints each file's tags. Without a cache nothing is kept. The time is that of opening
// alone.
#include "drivers/drivers.h"
#include "drivers/files.h"
#include "os/os.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_NAMES = 64 };

static void say(void *ctx, const char *line)
{
    (void)ctx;
    fprintf(stderr, "%s\n", line);
}

static void print_tags(const struct seep_drivers_options *options)
{
    static const char *const hows[] = { "data", "name",   "code",     "table",
                                        "free", "filter", "variable", "call" };
    struct seep_driver_files files = { 0 };
    if (!seep_driver_files_read(&files, options, NULL, NULL))
        return;
    for (size_t i = 0; i < files.n; i++) {
        const struct seep_driver_file *f = &files.at[i];
        printf("%s version=%s company=%s signer=%s\n", f->path, f->version, f->company, f->signer);
        for (size_t k = 0; k < f->scan.n_tags; k++) {
            const struct seep_scan_tag *t = &f->scan.tags[k];
            char text[SEEP_TAG_TEXT];
            printf("  %-4s %-8s %4" PRIu32 " %s%s 0x%" PRIx64 "\n",
                   seep_pool_tag_text(t->key, text), hows[t->how], t->count,
                   seep_scan_api_name(t->api), t->wrapped ? " (wrapped)" : "",
                   f->image_base + t->rva);
        }
    }
    seep_driver_files_clear(&files);
}

static void print_owners(struct seep_drivers *drivers, const char *tag)
{
    const struct seep_tag_owners *owners = seep_drivers_of(drivers, tag);
    printf("%s: %s\n", tag, owners && owners->description ? owners->description : "-");
    for (size_t i = 0; owners && i < owners->n; i++) {
        const struct seep_tag_owner *o = &owners->at[i];
        printf("  %.2f %-7s %s%s version=%s company=%s signer=%s: %s\n", o->confidence,
               seep_owner_how_name(o->how), o->name, o->inbox ? " (inbox)" : "",
               o->version ? o->version : "-", o->company ? o->company : "-",
               o->signer ? o->signer : "-", o->evidence);
    }
}

int main(int argc, char **argv)
{
    const char *folders[MAX_NAMES], *pooltags[MAX_NAMES];
    struct seep_drivers_options options = {
        .pooltags = pooltags, .folders = folders, .cache_path = "", .say = say
    };
    bool all = false;
    int i = 1;
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--all") == 0)
            all = true;
        else if (strcmp(argv[i], "--cache") == 0 && i + 1 < argc)
            options.cache_path = argv[++i];
        else if (strcmp(argv[i], "--pooltag") == 0 && i + 1 < argc &&
                 options.n_pooltags < MAX_NAMES)
            pooltags[options.n_pooltags++] = argv[++i];
        else if (options.n_folders < MAX_NAMES)
            folders[options.n_folders++] = argv[i];
    }
    struct seep_err err = { 0 };
    int64_t start = seep_os_monotonic_ns();
    struct seep_drivers *drivers = seep_drivers_open(&options, NULL, &err);
    int64_t took = seep_os_monotonic_ns() - start;
    if (!drivers) {
        fprintf(stderr, "scan_drivers: %s\n", err.what);
        return 1;
    }
    size_t n_files, n_cached;
    seep_drivers_counts(drivers, &n_files, &n_cached);
    printf("%" PRIu64 " files, %" PRIu64 " of them cached, %.1f ms\n", (uint64_t)n_files,
           (uint64_t)n_cached, (double)took / 1e6);
    if (all)
        print_tags(&options);
    for (i++; i < argc; i++)
        print_owners(drivers, argv[i]);
    seep_drivers_close(drivers);
    return 0;
}
