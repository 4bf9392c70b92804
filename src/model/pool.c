// SPDX-License-Identifier: MIT
// Pool tags: their text, and differences of their counts.
#include "model/pool.h"

#include <assert.h>

static const char *const how_names[] = {
    [SEEP_OWNER_LOG] = "log",
    [SEEP_OWNER_POOLTAG] = "pooltag",
    [SEEP_OWNER_SCAN] = "scan",
    [SEEP_OWNER_IMPORT] = "import",
};
static_assert(sizeof how_names / sizeof *how_names == SEEP_N_OWNER_HOW, "a name for each");

const char *seep_owner_how_name(enum seep_owner_how how)
{
    return how_names[how];
}

uint64_t seep_pool_count_growth(uint64_t before, uint64_t after, bool wraps)
{
    if (before == SEEP_UNKNOWN_COUNT || after == SEEP_UNKNOWN_COUNT)
        return SEEP_UNKNOWN_COUNT;
    if (wraps)
        return (uint32_t)(after - before);
    return after >= before ? after - before : SEEP_UNKNOWN_COUNT;
}

uint64_t seep_pool_tag_diff(const struct seep_pool_tag *tag)
{
    uint64_t diff = seep_pool_count_growth(tag->frees, tag->allocs, tag->wraps);
    // Nobody has 2^31 blocks of one tag: a free was counted before its allocation was.
    return tag->wraps && diff != SEEP_UNKNOWN_COUNT && diff > INT32_MAX ? SEEP_UNKNOWN_COUNT : diff;
}

const char *seep_pool_tag_clean(const char *shown, size_t len, char text[SEEP_TAG_TEXT])
{
    size_t n = 0;
    for (size_t i = 0; i < SEEP_TAG_TEXT - 1 && i < len; i++) {
        char c = shown[i];
        text[i] = c >= 0x20 && c < 0x7f ? c : '.';
        if (text[i] != ' ')
            n = i + 1;
    }
    text[n] = '\0';
    return text;
}

const char *seep_pool_tag_text(uint32_t key, char text[SEEP_TAG_TEXT])
{
    char shown[SEEP_TAG_TEXT - 1];
    for (unsigned i = 0; i < sizeof shown; i++) {
        uint32_t byte = (key & 0x7fffffff) >> 8 * i & 0xff;
        shown[i] = byte < 0x80 ? (char)byte : '.';
    }
    return seep_pool_tag_clean(shown, sizeof shown, text);
}
