// SPDX-License-Identifier: MIT
// The source pdh-tsv.
#include "source/pdh_text.h"

static unsigned bid(struct seep_bytes file)
{
    return seep_pdh_bid(file, SEEP_PDH_TSV);
}

extern const struct seep_source seep_source_pdh_tsv;
const struct seep_source seep_source_pdh_tsv = {
    .name = "pdh-tsv",
    .about = "Perfmon text log (TSV: relog, logman, perfmon)",
    .bid = bid,
    .read = seep_pdh_read,
};
