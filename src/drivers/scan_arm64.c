// SPDX-License-Identifier: MIT
// Going through code of ARM64.
#include "drivers/scan_internal.h"

void seep_scan_arm64(struct seep_scanner *s, struct seep_bytes code, uint32_t rva)
{
    (void)s;
    (void)code;
    (void)rva;
}
