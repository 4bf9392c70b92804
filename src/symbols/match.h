// SPDX-License-Identifier: MIT
// Whether a file of symbols belongs to an image.
#ifndef SEEP_SYMBOLS_MATCH_H
#define SEEP_SYMBOLS_MATCH_H

#include "base/identity.h"

#include <string.h>

// The GUIDs are the same, and so is the age: that of the DBI stream, which the linker writes into
// the image too, or that of the PDB stream, where they differ (tools that add to a PDB, such as
// srctool and pdbstr, count the latter up). Microsoft's own reader takes any PDB whose age is not
// below the image's (E_PDB_INVALID_AGE of IDiaDataSource::loadAndValidateDataFromPdb; the crate
// `pdb` says it in PDBInformation::age): that would take the PDB of a later incremental link, with
// other addresses, for a match. `age` 0 in the image's record = not known.
static inline bool seep_symbols_match(const struct seep_pdb_identity *wanted, const uint8_t *guid,
                                      uint32_t age, uint32_t info_age)
{
    return memcmp(wanted->guid, guid, SEEP_GUID_BYTES) == 0 &&
           (!wanted->age || wanted->age == age || wanted->age == info_age);
}

#endif
