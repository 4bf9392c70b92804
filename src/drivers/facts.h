// SPDX-License-Identifier: MIT
// Who made a file and who signed it, as the file itself says. Nothing is verified.
#ifndef SEEP_DRIVERS_FACTS_H
#define SEEP_DRIVERS_FACTS_H

#include "drivers/image.h"

#include <stdbool.h>

// The text of the version resource's CompanyName, in the first language that has one, into `text`
// as UTF-8. False where there is none.
bool seep_facts_company(const struct seep_image *image, char *text, size_t size);

// The common name in the certificate of the one who signed the file (Authenticode, in the file
// itself; what is signed through a catalogue says nothing here), as UTF-8. False where there is
// none.
bool seep_facts_signer(const struct seep_image *image, char *text, size_t size);

#endif
