// SPDX-License-Identifier: MIT
// GUIDs to text and back.
#include "base/identity.h"

#include <string.h>

// The order in which the bytes of a GUID are written: three little-endian fields, then bytes.
static const uint8_t order[SEEP_GUID_BYTES] = {
    3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15
};

void seep_guid_text(const uint8_t guid[SEEP_GUID_BYTES], char text[SEEP_GUID_TEXT])
{
    static const char digits[] = "0123456789ABCDEF";
    char *at = text;
    for (int i = 0; i < SEEP_GUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[guid[order[i]] >> 4];
        *at++ = digits[guid[order[i]] & 15];
    }
    *at = '\0';
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool seep_guid_parse(const char *text, uint8_t guid[SEEP_GUID_BYTES])
{
    uint8_t bytes[SEEP_GUID_BYTES];
    bool braced = *text == '{';
    text += braced;
    for (int i = 0; i < SEEP_GUID_BYTES; i++) {
        if (*text == '-' && (i == 4 || i == 6 || i == 8 || i == 10))
            text++;
        int high = digit(text[0]);
        int low = high < 0 ? -1 : digit(text[1]);
        if (low < 0)
            return false;
        bytes[order[i]] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    if (strcmp(text, braced ? "}" : "") != 0)
        return false;
    memcpy(guid, bytes, sizeof bytes);
    return true;
}

bool seep_guid_known(const uint8_t guid[SEEP_GUID_BYTES])
{
    for (int i = 0; i < SEEP_GUID_BYTES; i++) {
        if (guid[i])
            return true;
    }
    return false;
}
