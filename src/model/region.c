// SPDX-License-Identifier: MIT
// The names of states, types, usages and protections.
#include "model/region.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const states[] = {
    [SEEP_STATE_UNKNOWN] = "<unknown>",
    [SEEP_STATE_COMMIT] = "Commit",
    [SEEP_STATE_RESERVE] = "Reserve",
    [SEEP_STATE_FREE] = "Free",
};
static_assert(sizeof states / sizeof *states == SEEP_N_REGION_STATES, "a name for every state");

static const char *const types[] = {
    [SEEP_TYPE_UNKNOWN] = "<unknown>", [SEEP_TYPE_PRIVATE] = "Private",
    [SEEP_TYPE_MAPPED] = "Mapped",     [SEEP_TYPE_IMAGE] = "Image",
    [SEEP_TYPE_FREE] = "Free",
};
static_assert(sizeof types / sizeof *types == SEEP_N_REGION_TYPES, "a name for every type");

static const char *const usages[] = {
    [SEEP_USAGE_UNKNOWN] = "<unknown>", [SEEP_USAGE_FREE] = "Free",
    [SEEP_USAGE_IMAGE] = "Image",       [SEEP_USAGE_STACK32] = "Stack32",
    [SEEP_USAGE_STACK64] = "Stack64",   [SEEP_USAGE_HEAP32] = "Heap32",
    [SEEP_USAGE_HEAP64] = "Heap64",     [SEEP_USAGE_TEB32] = "TEB32",
    [SEEP_USAGE_TEB64] = "TEB64",       [SEEP_USAGE_PEB32] = "PEB32",
    [SEEP_USAGE_PEB64] = "PEB64",       [SEEP_USAGE_MAPPED_FILE] = "MappedFile",
    [SEEP_USAGE_OTHER] = "Other",
};
static_assert(sizeof usages / sizeof *usages == SEEP_N_REGION_USAGES, "a name for every usage");

const char *seep_region_state_name(enum seep_region_state state)
{
    return states[state];
}

const char *seep_region_type_name(enum seep_region_type type)
{
    return types[type];
}

const char *seep_region_usage_name(enum seep_region_usage usage)
{
    return usages[usage];
}

// PAGE_* of winnt.h, as Microsoft's "Memory Protection Constants" document them.
static const struct {
    uint32_t bit;
    const char *name;
} protections[] = {
    { 0x01, "NoAccess" },         { 0x02, "ReadOnly" },         { 0x04, "ReadWrite" },
    { 0x08, "WriteCopy" },        { 0x10, "Execute" },          { 0x20, "ExecuteRead" },
    { 0x40, "ExecuteReadWrite" }, { 0x80, "ExecuteWriteCopy" }, { 0x100, "Guard" },
    { 0x200, "NoCache" },         { 0x400, "WriteCombine" },
};

void seep_region_protect_name(uint32_t protect, char text[SEEP_PROTECT_TEXT])
{
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof protections / sizeof *protections; i++) {
        if (!(protect & protections[i].bit))
            continue;
        protect &= ~protections[i].bit;
        int n = snprintf(text + len, SEEP_PROTECT_TEXT - len, "%s%s", len ? "|" : "",
                         protections[i].name);
        if (n < 0 || (size_t)n >= SEEP_PROTECT_TEXT - len)
            return;
        len += (size_t)n;
    }
    if (protect)
        (void)snprintf(text + len, SEEP_PROTECT_TEXT - len, "%s0x%x", len ? "|" : "", protect);
}
