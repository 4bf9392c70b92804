// SPDX-License-Identifier: MIT
// Which of several pool tags that grow together is the source, who owns it, and how it is said.
#include "detect/driver.h"

#include "base/alloc.h"
#include "base/time.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

// Of what was allocated so little is freed that the rest is not a matter of time. A tag of the
// kernel that is used at all is freed again in most cases (see the tags of any machine in poolmon).
#define NEVER_FREED 0.05
// What is one object in several tags leaks one for one; what is opened and closed all the time
// beside it, at the moments of the looks, moves the count of a victim by a few percent.
#define ONE_TO_ONE 0.05
// From this confidence on a driver is named as the owner.
#define SURE_ENOUGH 0.5
#define A_DAY_NS INT64_C(86400000000000)

// Tags of Windows itself whose blocks are made whenever somebody opens a file, starts a process,
// or the like. They grow because somebody else does not close, free or dereference, so none of
// them is a source while there is another tag. Written from the documentation of the objects.
static const struct {
    const char *tag, *what;
} victims[] = {
    { "File", "file objects: one for each open of a file" },
    { "IoNm", "the names of file objects" },
    { "NtfC", "what Ntfs keeps for each open of a file" },
    { "Ntfc", "what Ntfs keeps for each open of a file" },
    { "NtfF", "what Ntfs keeps for each open file" },
    { "Ntff", "what Ntfs keeps for each open file" },
    { "Ntf0", "what Ntfs keeps for each open file" },
    { "NtFs", "what Ntfs keeps for each open file" },
    { "NtFC", "what Ntfs keeps for each open of a file" },
    { "NtFf", "what Ntfs keeps for each open file" },
    { "FMsl", "what the filter manager keeps for each open file" },
    { "FMfn", "names that the filter manager keeps of files" },
    { "FMfc", "what the filter manager keeps for each open file" },
    { "FMic", "requests on their way through file system filters" },
    { "FIcs", "what filters keep for each stream of a file" },
    { "MmCa", "control areas: one for each file or image that is mapped or cached" },
    { "MmSt", "prototype page tables of files that are mapped or cached" },
    { "MmSm", "segments of files that are mapped" },
    { "CcSc", "what the cache manager keeps for each cached file" },
    { "CcVa", "views of the cache manager" },
    { "Toke", "tokens: one for each process, logon and impersonation" },
    { "SeTd", "what tokens hold" },
    { "SeTl", "logon sessions, as tokens refer to them" },
    { "SeAt", "attributes of tokens" },
    { "SeSd", "security descriptors" },
    { "Proc", "processes, also those that have exited and are still referenced" },
    { "Thre", "threads, also those that have exited and are still referenced" },
    { "PsIn", "what is kept for each process" },
    { "Obtb", "handle tables" },
    { "ObNm", "names of objects" },
    { "ObDi", "directories of objects" },
    { "Even", "events" },
    { "EvnP", "events" },
    { "Sema", "semaphores" },
    { "Muta", "mutexes" },
    { "Key", "open registry keys" },
    { "CMkb", "open registry keys" },
    { "CMpb", "open registry keys" },
    { "Sect", "sections: files or memory that can be mapped" },
    { "Irp", "requests on their way through drivers" },
    { "Mdl", "descriptions of buffers, of whoever does input and output" },
    { "Vad", "ranges of processes' address spaces" },
    { "VadS", "ranges of processes' address spaces" },
    { "VadF", "ranges of processes' address spaces" },
    { "VadL", "ranges of processes' address spaces" },
    { "AlIn", "what ALPC keeps for its ports and messages" },
    { "AlMs", "messages of ALPC" },
    { "Port", "ports of ALPC" },
    { "ALPC", "ports of ALPC" },
};

static const char *victim_of(const char *tag)
{
    size_t n = strlen(tag);
    while (n && tag[n - 1] == ' ')
        n--;
    for (size_t i = 0; i < sizeof victims / sizeof *victims; i++) {
        if (strlen(victims[i].tag) == n && memcmp(victims[i].tag, tag, n) == 0)
            return victims[i].what;
    }
    return NULL;
}

static void copy(char *to, size_t size, const char *from, size_t n)
{
    n = n < size ? n : size - 1;
    memcpy(to, from, n);
    to[n] = '\0';
}

// Drivers of Windows itself by their names, for logs that tell no more.
static bool is_of_windows(const char *name)
{
    static const char *const names[] = {
        "acpi",      "afd",     "bowser",  "cdfs",     "classpnp", "clfs",       "cng",
        "disk",      "dxgkrnl", "exfat",   "fastfat",  "fltmgr",   "fvevol",     "hal",
        "http",      "ks",      "ksecdd",  "ksecpkg",  "luafv",    "mountmgr",   "mrxsmb",
        "mrxsmb20",  "msfs",    "msrpc",   "ndis",     "netbt",    "netio",      "npfs",
        "ntfs",      "pacer",   "partmgr", "pci",      "portcls",  "rdbss",      "refs",
        "spaceport", "srv",     "srv2",    "srvnet",   "storport", "tcpip",      "tdx",
        "volmgr",    "volsnap", "wcifs",   "wdf01000", "win32k",   "win32kbase", "win32kfull"
    };
    size_t n = strcspn(name, ".");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i]) != n)
            continue;
        size_t same = 0;
        while (same < n && (name[same] | 0x20) == names[i][same])
            same++;
        if (same == n)
            return true;
    }
    return false;
}

// What a log calls the driver of a tag: "nt!ps - Process objects", "tcpip.sys", "Unknown Driver".
// Of several the first.
static void name_from_log(struct seep_tag_role *role, const char *mapped)
{
    size_t n = strcspn(mapped, " \t,;]");
    const char *from = mapped + (*mapped == '[');
    n -= n && *mapped == '[';
    if (n == 0 || *from == '<' || strncmp(mapped, "Unknown", 7) == 0)
        return;
    bool kernel = (n == 2 && memcmp(from, "nt", 2) == 0) || strncmp(from, "nt!", 3) == 0;
    copy(role->name, sizeof role->name, kernel ? "nt" : from, kernel ? 2 : n);
    role->log_names = true;
    role->inbox = kernel || is_of_windows(role->name);
}

static void find_owner(const struct seep_dataset *data, struct seep_tag_role *role)
{
    role->owners = data && data->owners ? data->owners(data->owners_ctx, role->tag) : NULL;
    if (role->owners && role->owners->n) {
        const struct seep_tag_owner *o = &role->owners->at[0];
        if (o->name && *o->name && o->confidence >= SURE_ENOUGH) {
            role->owner = o;
            role->inbox = o->inbox;
            copy(role->name, sizeof role->name, o->name, strlen(o->name));
            return;
        }
    }
    if (role->looks && role->looks->mapped)
        name_from_log(role, role->looks->mapped);
}

void seep_tag_role_find(const struct seep_dataset *data, const struct seep_looks *looks,
                        const char *tag, struct seep_tag_role *role)
{
    *role = (struct seep_tag_role){ .tag = tag, .freed = NAN, .grown = NAN };
    role->looks = looks ? seep_looks_find(looks, tag) : NULL;
    role->victim = victim_of(tag);
    if (role->looks) {
        role->growth = seep_tag_growth_of(role->looks);
        role->freed = seep_freed_share(&role->growth);
        role->grown = role->growth.blocks_last - role->growth.blocks_first;
        role->never_freed = role->freed <= NEVER_FREED;
    }
    find_owner(data, role);
}

static int rank_of(const struct seep_tag_role *role)
{
    if (role->victim)
        return 0;
    return !role->name[0] ? 2 : (role->inbox ? 1 : 3);
}

int seep_tag_outranks(const struct seep_tag_role *a, const struct seep_tag_role *b)
{
    bool x = a->never_freed && !a->victim, y = b->never_freed && !b->victim;
    if (x != y)
        return x ? 1 : -1;
    if (rank_of(a) != rank_of(b))
        return rank_of(a) > rank_of(b) ? 1 : -1;
    if (fabs(a->freed - b->freed) > NEVER_FREED)
        return a->freed < b->freed ? 1 : -1;
    return 0;
}

double seep_tag_ratio(const struct seep_tag_role *source, const struct seep_tag_role *other)
{
    return source->grown > 0 ? other->grown / source->grown : (double)NAN;
}

bool seep_tags_are_one_to_one(const struct seep_tag_role *source, const struct seep_tag_role *other)
{
    double ratio = seep_tag_ratio(source, other);
    const struct seep_tag_growth *a = &source->growth, *b = &other->growth;
    double half = (a->blocks_middle - a->blocks_first) / source->grown;
    double its_half = (b->blocks_middle - b->blocks_first) / other->grown;
    if (!(fabs(ratio - 1) <= ONE_TO_ONE))
        return false;
    if (!seep_unknown(half) && !seep_unknown(its_half))
        return fabs(half - its_half) <= ONE_TO_ONE;
    return other->victim || fabs(ratio - 1) <= ONE_TO_ONE / 5;
}

static const char *count(struct seep_drafts *drafts, double n)
{
    char digits[32], text[48];
    if (!(fabs(n) < 1e15))
        return seep_say(drafts, "%.3g", n);
    int len = snprintf(digits, sizeof digits, "%.0f", fabs(n));
    size_t at = 0;
    if (n < 0)
        text[at++] = '-';
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return seep_say(drafts, "%s", text);
}

const char *seep_say_ratio(struct seep_drafts *drafts, const struct seep_tag_role *source,
                           const struct seep_tag_role *member)
{
    double ratio = seep_tag_ratio(source, member);
    if (seep_unknown(ratio))
        return "";
    return seep_say(drafts, "%s blocks more, %.2f for each of %s", count(drafts, member->grown),
                    ratio, source->tag);
}

void seep_tag_group_add(struct seep_drafts *drafts, struct seep_tag_group *group,
                        const struct seep_tag_role *source, const struct seep_tag_role *member)
{
    enum { MOST = 64 }; // more tell a reader nothing
    if (!group->members) {
        group->members = seep_arena_alloc(drafts->arena, MOST, sizeof *group->members);
        if (!group->members) {
            drafts->failed = true;
            return;
        }
        group->members[group->n++] =
            (struct seep_pool_member){ seep_say(drafts, "%s", source->tag), 1 };
    }
    if (group->n < MOST)
        group->members[group->n++] = (struct seep_pool_member){ seep_say(drafts, "%s", member->tag),
                                                                seep_tag_ratio(source, member) };
}

void seep_tag_group_end(struct seep_drafts *drafts, const struct seep_tag_group *group,
                        size_t draft)
{
    if (group->n < 2)
        return;
    if (!seep_grow(&drafts->clusters, &drafts->clusters_capacity, drafts->n_clusters + 1,
                   sizeof *drafts->clusters)) {
        drafts->failed = true;
        return;
    }
    drafts->clusters[drafts->n_clusters++] =
        (struct seep_draft_cluster){ draft, group->members, group->n };
}

static const char *over_time(struct seep_drafts *drafts, const struct seep_looks *looks)
{
    if (looks->n_looks < 2)
        return "since the machine started";
    if (looks->first_ns == SEEP_NO_TIME || looks->last_ns == SEEP_NO_TIME)
        return seep_say(drafts, "from the first to the last of %zu looks", looks->n_looks);
    double s = ((double)looks->last_ns - (double)looks->first_ns) / 1e9;
    return seep_say(drafts, "in %s (%zu looks)", seep_say_seconds(drafts, s), looks->n_looks);
}

static void say_counts(struct seep_drafts *drafts, const struct seep_looks *looks,
                       struct seep_draft *draft, const struct seep_tag_role *role)
{
    const struct seep_tag_growth *g = &role->growth;
    if (!role->looks || seep_unknown(role->freed))
        return;
    const char *freed = g->frees < 0.5 ? "none"
                                       : seep_say(drafts, "%s (%.2g %%)", count(drafts, g->frees),
                                                  role->freed * 100);
    const char *text = seep_say(drafts, "%s blocks were allocated %s and %s freed; %s are in use",
                                count(drafts, g->allocs), over_time(drafts, looks), freed,
                                count(drafts, g->blocks_last));
    seep_draft_evidence(drafts, draft, text, role->looks->source, SEEP_NO_OFFSET, looks->last_ns);
}

static const char *how_words(enum seep_owner_how how)
{
    switch (how) {
    case SEEP_OWNER_LOG:
        return "the log itself says so";
    case SEEP_OWNER_POOLTAG:
        return "by the table of pool tags";
    case SEEP_OWNER_SCAN:
        return "the tag stands in its file";
    default:
        return "its code allocates with the tag";
    }
}

static void say_owner(struct seep_drafts *drafts, struct seep_draft *draft,
                      const struct seep_tag_role *role)
{
    const struct seep_tag_owner *o = role->owner;
    struct seep_source_id none = { 0 };
    const char *text;
    if (!role->name[0]) {
        text = role->owners && role->owners->n && role->owners->at[0].name
                   ? seep_say(drafts, "no driver is sure to own the tag; %.60s may",
                              role->owners->at[0].name)
                   : "no driver is known for the tag";
    } else if (!o) {
        text = seep_say(drafts, "the tag is one of %s: the log itself says so", role->name);
    } else {
        const char *of = o->company ? seep_say(drafts, " of %.80s", o->company) : "";
        const char *version = o->version ? seep_say(drafts, " %.40s", o->version) : "";
        text = seep_say(drafts, "the tag is one of %s%s%s: %.300s", role->name, version, of,
                        o->evidence ? o->evidence : how_words(o->how));
    }
    seep_draft_evidence(drafts, draft, text, none, SEEP_NO_OFFSET, SEEP_NO_TIME);
    if (role->owners && role->owners->n > 1 && o &&
        role->owners->at[1].confidence >= o->confidence && role->owners->at[1].name)
        seep_draft_caveat(
            drafts, draft,
            seep_say(drafts, "%.60s may be behind the tag as well", role->owners->at[1].name));
}

// Why the source is not the one that grew most.
static void say_why(struct seep_drafts *drafts, struct seep_draft *draft,
                    const struct seep_tag_role *role, const struct seep_tag_role *largest)
{
    struct seep_source_id none = { 0 };
    if (role->victim) {
        seep_draft_caveat(drafts, draft,
                          seep_say(drafts,
                                   "%s is a tag of Windows itself (%s): who makes it grow is "
                                   "another driver or a process",
                                   role->tag, role->victim));
        return;
    }
    if (!largest)
        return;
    const char *why;
    if (largest->victim)
        why = seep_say(drafts, "that is a tag of Windows itself, %s", largest->victim);
    else if (role->never_freed && !largest->never_freed)
        why = seep_say(drafts, "that is freed again, to %.0f %%", largest->freed * 100);
    else if (role->name[0] && !role->inbox && largest->name[0])
        why = seep_say(drafts, "that is one of %s, which is part of Windows", largest->name);
    else
        why = "less of the source is freed";
    seep_draft_evidence(
        drafts, draft,
        seep_say(drafts, "%s is the source, not %s, which grew by %s: %s", role->tag, largest->tag,
                 seep_say_amount(drafts, SEEP_METRIC_NONPAGED_POOL_BYTES,
                                 largest->growth.bytes_last - largest->growth.bytes_first),
                 why),
        none, SEEP_NO_OFFSET, SEEP_NO_TIME);
}

static void say_next(struct seep_drafts *drafts, const struct seep_dataset *data,
                     struct seep_draft *draft, const struct seep_tag_role *role)
{
    static const char folder[] = "--drivers C:\\Windows\\System32\\drivers";
    struct seep_source_id id = role->looks ? role->looks->source : (struct seep_source_id){ 0 };
    bool scanned = role->owner && role->owner->how >= SEEP_OWNER_SCAN;
    if (!scanned && seep_source_is_live(data, id))
        seep_draft_next(drafts, draft, seep_say(drafts, "seep pool %s", folder));
    else if (!scanned)
        seep_draft_next(drafts, draft,
                        seep_say(drafts, "seep pool %s %s", seep_source_word(data, id), folder));
}

static bool is_seen_for_a_day(const struct seep_looks *looks)
{
    return looks && looks->n_looks > 2 && looks->first_ns != SEEP_NO_TIME &&
           looks->last_ns != SEEP_NO_TIME && looks->last_ns - looks->first_ns >= A_DAY_NS;
}

void seep_driver_write(struct seep_drafts *drafts, const struct seep_dataset *data,
                       const struct seep_looks *looks, struct seep_draft *draft,
                       const struct seep_tag_role *role, const struct seep_tag_role *largest)
{
    struct seep_finding *f = &draft->finding;
    if (!role->looks && !role->name[0])
        return; // nothing but the curve is known
    f->tag = seep_say(drafts, "%s", role->tag);
    if (role->name[0])
        f->driver = seep_say(drafts, "%s", role->name);
    if (role->never_freed)
        f->note = "never freed";
    // A tag of Windows that is freed again, or a victim, says nothing of whose the leak is. What a
    // driver frees for the most part may be its load, unless it was seen for a day.
    bool seen = is_seen_for_a_day(looks) && f->verdict == SEEP_VERDICT_LEAKING;
    if (!role->victim && (role->never_freed || (role->name[0] && !role->inbox && seen))) {
        f->class_ = SEEP_CLASS_DRIVER;
        if (role->name[0]) {
            f->subject = SEEP_SUBJECT_DRIVER;
            f->name = f->driver;
        }
    }
    say_counts(drafts, looks, draft, role);
    say_owner(drafts, draft, role);
    say_why(drafts, draft, role, largest);
    say_next(drafts, data, draft, role);
}
