// SPDX-License-Identifier: MIT
// Asks one session for the symbols of images, and prints what becomes of it: for find_test.py.
//
// usage: probe [--cache FOLDER] [--folder FOLDER] [--timeout MS] [--offline] [--repeat]
//              [--symbol NAME] [--struct NAME] SYMBOL-PATH NAME GUID AGE [NAME GUID AGE ...]
//
// GUID may be TIMESTAMP/SIZE, hexadecimal, of an image of that name. Prints "said: LINE",
// "found: PATH", "why: SENTENCE", "symbol: RVA", "at: NAME", "size: BYTES".
#include "os/os.h"
#include "symbols/symbols.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(void *ctx, const char *line)
{
    (void)ctx;
    printf("said: %s\n", line);
}

struct wishes {
    const char *symbol, *structure;
};

static void ask(struct seep_symbols *symbols, const struct seep_image_identity *image,
                const struct wishes *wishes)
{
    struct seep_err why = { 0 };
    const struct seep_symbol_file *file = seep_symbols_for(symbols, image, &why);
    if (!file) {
        printf("why: %s\n", why.what);
        return;
    }
    printf("found: %s\n", file->path);
    uint32_t rva;
    struct seep_symbol symbol;
    if (wishes->symbol && seep_symbol_table_find(file->table, wishes->symbol, &rva)) {
        printf("symbol: 0x%" PRIx32 "\n", rva);
        if (seep_symbol_table_at(file->table, rva + 1, &symbol))
            printf("at: %s+%" PRIu32 "\n", symbol.function, symbol.offset);
    }
    uint64_t size;
    const struct seep_types *types =
        wishes->structure ? seep_symbols_types(symbols, image, &why) : NULL;
    if (types && seep_types_size(types, wishes->structure, &size))
        printf("size: %" PRIu64 "\n", size);
    else if (wishes->structure)
        printf("no types: %s\n", why.what);
}

static bool identify(char **argv, struct seep_image_identity *image)
{
    *image = (struct seep_image_identity){ .name = argv[0] };
    const char *slash = strchr(argv[1], '/');
    if (slash) {
        image->timestamp = (uint32_t)strtoul(argv[1], NULL, 16);
        image->size_bytes = (uint32_t)strtoul(slash + 1, NULL, 16);
        return true;
    }
    image->pdb.name = argv[0];
    image->pdb.age = (uint32_t)strtoul(argv[2], NULL, 10);
    return seep_guid_parse(argv[1], image->pdb.guid);
}

int main(int argc, char **argv)
{
    struct wishes wishes = { 0 };
    const char *folder = NULL, *path;
    struct seep_symbols_options options = {
        .paths = &path, .n_paths = 1, .cache_folder = "", .folders = &folder, .say = say
    };
    bool repeat = false;
    int at = 1;
    seep_os_console_init();
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--offline") == 0)
            options.offline = true;
        else if (strcmp(argv[at], "--repeat") == 0)
            repeat = true;
        else if (at + 1 >= argc)
            return 2;
        else if (strcmp(argv[at], "--cache") == 0)
            options.cache_folder = argv[++at];
        else if (strcmp(argv[at], "--folder") == 0)
            folder = argv[++at];
        else if (strcmp(argv[at], "--timeout") == 0)
            options.timeout_ms = strtol(argv[++at], NULL, 10);
        else if (strcmp(argv[at], "--symbol") == 0)
            wishes.symbol = argv[++at];
        else if (strcmp(argv[at], "--struct") == 0)
            wishes.structure = argv[++at];
        else
            return 2;
    }
    if (argc - at < 4)
        return 2;
    options.n_folders = folder ? 1 : 0;
    path = argv[at++];
    struct seep_err err = { 0 };
    struct seep_symbols *symbols = seep_symbols_open(&options, &err);
    if (!symbols) {
        printf("refused: %s\n", err.what);
        return 1;
    }
    for (; argc - at >= 3; at += 3) {
        struct seep_image_identity image;
        if (!identify(argv + at, &image))
            return 2;
        for (int i = 0; i <= repeat; i++)
            ask(symbols, &image, &wishes);
    }
    seep_symbols_close(symbols);
    printf("end\n");
    return 0;
}
