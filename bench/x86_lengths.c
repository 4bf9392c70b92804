// SPDX-License-Identifier: MIT
// Says which x64 instructions seep takes for longer or shorter than another program does:
// x86_lengths FILE, with lines "offset length" (hexadecimal, decimal) on standard input.
#include "drivers/x86.h"
#include "os/os.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    struct seep_os_map map = { 0 };
    uint64_t n = 0, n_other = 0;
    char line[64];
    if (argc != 2 || !seep_os_map(argv[1], &map, NULL))
        return 2;
    while (fgets(line, sizeof line, stdin)) {
        char *end;
        uint64_t offset = strtoull(line, &end, 16);
        uint64_t length = strtoull(end, NULL, 10);
        struct seep_bytes code = seep_bytes_part(map.view, (size_t)offset, SIZE_MAX);
        struct seep_x86 insn;
        bool known = code.len && seep_x86_decode(code.data, code.len, true, &insn);
        n++;
        if (known && insn.len == length)
            continue;
        n_other++;
        printf("0x%" PRIx64 ": %" PRIu64 ", seep: %u\n", offset, length, known ? insn.len : 0u);
    }
    printf("%" PRIu64 " instructions, %" PRIu64 " of another length\n", n, n_other);
    seep_os_unmap(&map);
    return n == 0 || n_other != 0;
}
