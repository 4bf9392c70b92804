// SPDX-License-Identifier: MIT
// Runs a fuzz target over the files of the folders (or the files) named on the command line, each
// whole, cut short and with bytes flipped. The copies end at the end of their allocation, so that a
// sanitizer sees one byte too many.
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned n_runs;

static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    n_runs++;
}

static void run_variants(uint8_t *data, size_t size)
{
    enum { CUTS = 37, FLIPS = 64 };
    run(data, size);
    for (size_t i = 0; i < CUTS; i++)
        run(data, size * i / CUTS);
    uint64_t random = 88172645463325252u;
    for (int i = 0; size && i < FLIPS; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        size_t at = (size_t)(random % size);
        uint8_t old = data[at];
        data[at] = (uint8_t)(random >> 32);
        run(data, size);
        data[at] = old;
    }
}

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return 1;
    uint8_t *data = NULL;
    size_t size = 0, capacity = 0, n;
    do {
        if (size == capacity) {
            capacity = capacity ? capacity * 2 : 65536;
            data = realloc(data, capacity);
            if (!data)
                abort();
        }
        n = fread(data + size, 1, capacity - size, file);
        size += n;
    } while (n);
    fclose(file);
    run_variants(data, size);
    free(data);
    return 0;
}

static int replay_path(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir)
        return replay_file(path);
    int failed = 0;
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        int len = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (len > 0 && (size_t)len < sizeof name)
            failed |= replay_file(name);
    }
    closedir(dir);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    for (int i = 1; i < argc; i++)
        failed |= replay_path(argv[i]);
    printf("%u inputs replayed\n", n_runs);
    return failed || n_runs < 2;
}
