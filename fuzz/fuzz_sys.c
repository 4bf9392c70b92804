// SPDX-License-Identifier: MIT
// A fuzz target for the files of drivers: headers, imports, code of each machine, maker and signer.
#include "drivers/facts.h"
#include "drivers/scan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct seep_image image;
    struct seep_err err = { 0 };
    struct seep_scan scan;
    char text[64];
    if (!seep_image_read(seep_bytes(data, size), &image, &err)) {
        if (!err.what[0])
            abort();
        return 0;
    }
    if (!seep_scan_image(&image, "wdfuzz", &scan))
        abort();
    for (size_t i = 0; i < scan.n_tags; i++) {
        if (!scan.tags[i].key || scan.tags[i].how >= SEEP_N_SCAN_HOW || !scan.tags[i].count)
            abort();
    }
    seep_scan_clear(&scan);
    (void)seep_facts_company(&image, text, sizeof text);
    (void)seep_facts_signer(&image, text, sizeof text);
    return 0;
}
