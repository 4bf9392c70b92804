// SPDX-License-Identifier: MIT
// What identifies a binary and its symbols, wherever it is met: a dump, a trace, a file on disk.
//
// Strings belong to whoever made the identity.
#ifndef SEEP_BASE_IDENTITY_H
#define SEEP_BASE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

enum { SEEP_GUID_BYTES = 16, SEEP_GUID_TEXT = 37 };

// Which PDB belongs to an image: the CodeView RSDS record of its debug directory. Two are the same
// when GUID and age are; the name is where to look, never what to match.
struct seep_pdb_identity {
    const char *name;              // as the linker wrote it, maybe with a folder; NULL = unknown
    uint8_t guid[SEEP_GUID_BYTES]; // as it lies in the file; all zero = unknown
    uint32_t age;
};

// Which binary an image is: name, TimeDateStamp and SizeOfImage of its PE header.
struct seep_image_identity {
    const char *name;    // "ntdll.dll", without a folder; NULL = unknown
    uint32_t timestamp;  // 0 = unknown
    uint32_t size_bytes; // SizeOfImage; 0 = unknown
    uint32_t checksum;   // 0 = unknown
    struct seep_pdb_identity pdb;
};

// The text form "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", upper case, fields in Windows' order.
void seep_guid_text(const uint8_t guid[SEEP_GUID_BYTES], char text[SEEP_GUID_TEXT]);

// Reads that form, also without hyphens or in braces. False and `guid` untouched where it is none.
bool seep_guid_parse(const char *text, uint8_t guid[SEEP_GUID_BYTES]);

// Whether the GUID is known (not all zero).
bool seep_guid_known(const uint8_t guid[SEEP_GUID_BYTES]);

#endif
