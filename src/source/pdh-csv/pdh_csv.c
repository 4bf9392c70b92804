// SPDX-License-Identifier: MIT
// The source pdh-csv.
#include "source/pdh_text.h"

static unsigned bid(struct seep_bytes file)
{
    return seep_pdh_bid(file, SEEP_PDH_CSV);
}

extern const struct seep_source seep_source_pdh_csv;
const struct seep_source seep_source_pdh_csv = {
    .name = "pdh-csv",
    .about = "Perfmon text log (CSV: typeperf, relog, logman, perfmon, esxtop)",
    .bid = bid,
    .read = seep_pdh_read,
};
