// SPDX-License-Identifier: MIT
// Who is behind a pool tag: what tables and files say, weighed.
//
// Each piece of evidence has a weight, the chance that it is right (below). Pieces that name the
// same file add up as independent ones do: 1 - (1 - a)(1 - b). One tag has, as a rule, one user,
// who may be nobody that is known here: with odds o = p / (1 - p) for each file, its chance is o /
// (1 + the sum of all odds). So a file alone keeps its chance, two that are equally likely have
// half each, and many weak ones take little from a strong one.
#include "drivers/drivers.h"

#include "base/alloc.h"
#include "base/intern.h"
#include "drivers/files.h"
#include "drivers/inbox.h"
#include "drivers/pooltag.h"
#include "os/os.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_OWNERS = 16,         // of one tag; more are as good as none
    MAX_POOLTAG = 256 << 20, // bytes of a pooltag.txt; real ones have 200 KiB
};

// What each way of finding a tag in a file is worth. An operand of a call is what the driver passes
// (not quite 1: code is not run, so a path may be misread, and libraries are linked into several
// drivers); a constant in code may be the mark of a structure, or text; four characters in data are
// mostly text.
static const double weights[] = {
    [SEEP_SCAN_DATA] = 0.10,     [SEEP_SCAN_NAME] = 0.45, [SEEP_SCAN_CODE] = 0.35,
    [SEEP_SCAN_TABLE] = 0.75,    [SEEP_SCAN_FREE] = 0.80, [SEEP_SCAN_FILTER] = 0.95,
    [SEEP_SCAN_VARIABLE] = 0.90, [SEEP_SCAN_CALL] = 0.95,
};
static_assert(sizeof weights / sizeof *weights == SEEP_N_SCAN_HOW, "a weight for each");

// What a table's entry is worth, by the number of its `?`.
static const double table_weights[] = { 0.80, 0.70, 0.55, 0.25, 0.05 };

struct found_tag {
    uint32_t key, file, tag; // which file, which of its tags
    uint8_t how;
};

struct seep_drivers {
    struct seep_arena arena;
    struct seep_pooltags tags, inbox;
    char **names; // of the files like pooltag.txt, without folders
    size_t n_names;
    struct seep_driver_files files;
    struct found_tag *found; // by key, the best evidence first, then by file
    size_t n_found;
    struct seep_intern asked;         // tags
    struct seep_tag_owners **answers; // by id - 1; NULL = nobody is known
    size_t answers_capacity;
};

static const char *last_part(const char *path)
{
    const char *name = path;
    for (; *path; path++) {
        if ((*path == '/' || *path == '\\') && path[1])
            name = path + 1;
    }
    return name;
}

static bool read_pooltags(struct seep_drivers *d, const struct seep_drivers_options *options,
                          struct seep_err *err)
{
    d->names = seep_arena_alloc(&d->arena, options->n_pooltags + 1, sizeof *d->names);
    if (!d->names)
        return seep_fail_memory(err);
    for (size_t i = 0; i < options->n_pooltags; i++) {
        const char *path = options->pooltags[i];
        const char *name = last_part(path);
        struct seep_os_map map = { 0 };
        struct seep_err reading = { 0 };
        size_t n_bad = 0, before = d->tags.n_entries;
        d->names[d->n_names++] = seep_arena_strndup(&d->arena, name, strlen(name));
        if (!d->names[i])
            return seep_fail_memory(err);
        if (!seep_os_map(path, &map, &reading))
            return seep_fail(err, reading.offset, reading.hint, "%s: %s", path, reading.what);
        bool too_long = map.view.len > MAX_POOLTAG;
        bool ok = too_long || seep_pooltags_read(&d->tags, map.view, (unsigned)i, &n_bad);
        seep_os_unmap(&map);
        if (too_long)
            return seep_fail(err, SEEP_NO_OFFSET, "give a file like pooltag.txt",
                             "%s: too long for a table of pool tags", path);
        if (!ok)
            return seep_fail_memory(err);
        bool none = d->tags.n_entries == before;
        if (none && n_bad)
            return seep_fail(err, SEEP_NO_OFFSET, "lines are TAG - BINARY - DESCRIPTION",
                             "%s: no line of it names a pool tag", path);
        if (n_bad && options->say) {
            struct seep_buf line = { 0 };
            seep_buf_addf(&line, "seep: %s: %" PRIu64 " %s left out", path, (uint64_t)n_bad,
                          n_bad == 1 ? "line that is no entry was"
                                     : "lines that are no entries were");
            if (line.data)
                seep_err_plain(line.data);
            options->say(options->ctx, seep_buf_text(&line));
            seep_buf_clear(&line);
        }
    }
    return true;
}

// A tag's text as the key that found tags are sorted by: what is missing is a blank.
static uint32_t key_of(const char *text)
{
    uint32_t key = 0x20202020;
    for (unsigned i = 0; i < 4 && text[i]; i++)
        key ^= (uint32_t)(0x20 ^ (unsigned char)text[i]) << 8 * i;
    return key;
}

static int by_key(const void *a, const void *b)
{
    const struct found_tag *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->how != y->how)
        return x->how > y->how ? -1 : 1;
    return x->file < y->file ? -1 : x->file > y->file;
}

static bool index_found(struct seep_drivers *d)
{
    size_t n = 0;
    for (size_t i = 0; i < d->files.n; i++)
        n += d->files.at[i].scan.n_tags;
    if (!n)
        return true;
    d->found = seep_alloc(n, sizeof *d->found);
    if (!d->found)
        return false;
    for (size_t i = 0; i < d->files.n; i++) {
        const struct seep_scan *scan = &d->files.at[i].scan;
        for (size_t k = 0; k < scan->n_tags; k++) {
            // By the text that is asked for, where what is not printable is a point.
            char text[SEEP_TAG_TEXT];
            uint32_t key = key_of(seep_pool_tag_text(scan->tags[k].key, text));
            d->found[d->n_found++] =
                (struct found_tag){ key, (uint32_t)i, (uint32_t)k, scan->tags[k].how };
        }
    }
    qsort(d->found, n, sizeof *d->found, by_key);
    return true;
}

struct seep_drivers *seep_drivers_open(const struct seep_drivers_options *options,
                                       const struct seep_control *control, struct seep_err *err)
{
    struct seep_drivers *d = seep_alloc(1, sizeof *d);
    if (!d) {
        seep_fail_memory(err);
        return NULL;
    }
    bool ok = read_pooltags(d, options, err);
    if (ok && !seep_inbox_read(&d->inbox))
        ok = seep_fail_memory(err);
    ok = ok && seep_driver_files_read(&d->files, options, control, err);
    if (ok && !index_found(d))
        ok = seep_fail_memory(err);
    if (ok)
        return d;
    seep_drivers_close(d);
    return NULL;
}

void seep_drivers_close(struct seep_drivers *d)
{
    if (!d)
        return;
    seep_pooltags_clear(&d->tags);
    seep_pooltags_clear(&d->inbox);
    seep_driver_files_clear(&d->files);
    seep_intern_clear(&d->asked);
    seep_arena_clear(&d->arena);
    seep_free(d->found);
    seep_free(d->answers);
    seep_free(d);
}

// The owners of one tag while they are put together.
struct draft {
    struct seep_drivers *d;
    struct seep_tag_owner owners[MAX_OWNERS];
    double best[MAX_OWNERS]; // weight of the best evidence of each
    size_t n;
    bool failed; // memory is out
};

static bool same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a | 32) : *a;
        char y = *b >= 'A' && *b <= 'Z' ? (char)(*b | 32) : *b;
        if (x != y)
            return false;
    }
    return *a == *b;
}

// The owner of that name, new or old; NULL where there is no room for one of that weight.
static struct seep_tag_owner *owner_named(struct draft *draft, const char *name, double weight)
{
    for (size_t i = 0; i < draft->n; i++) {
        if (same_name(draft->owners[i].name, name))
            return &draft->owners[i];
    }
    size_t at = draft->n;
    if (at == MAX_OWNERS) {
        for (size_t i = 0; i < MAX_OWNERS; i++)
            at = draft->best[i] < weight && (at == MAX_OWNERS || draft->best[i] < draft->best[at])
                     ? i
                     : at;
        if (at == MAX_OWNERS)
            return NULL;
    }
    char *copy = seep_arena_strndup(&draft->d->arena, name, strlen(name));
    if (!copy) {
        draft->failed = true;
        return NULL;
    }
    draft->n += at == draft->n;
    draft->owners[at] = (struct seep_tag_owner){ .name = copy };
    draft->best[at] = 0;
    return &draft->owners[at];
}

static void add_evidence(struct draft *draft, struct seep_tag_owner *owner, double weight,
                         enum seep_owner_how how, const char *sentence)
{
    size_t at = (size_t)(owner - draft->owners);
    bool better = weight > draft->best[at];
    struct seep_buf text = { 0 };
    if (!owner->evidence)
        seep_buf_adds(&text, sentence);
    else if (better)
        seep_buf_addf(&text, "%s; %s", sentence, owner->evidence);
    else
        seep_buf_addf(&text, "%s; %s", owner->evidence, sentence);
    char *copy = text.failed ? NULL : seep_arena_strndup(&draft->d->arena, text.data, text.len);
    seep_buf_clear(&text);
    if (!copy) {
        draft->failed = true;
        return;
    }
    owner->evidence = copy;
    owner->confidence = 1 - (1 - owner->confidence) * (1 - weight);
    if (better) {
        owner->how = how;
        draft->best[at] = weight;
    }
}

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static bool names_microsoft(const char *company)
{
    return strncmp(company, "Microsoft", 9) == 0;
}

static void describe_call(struct seep_buf *out, const struct seep_scan_tag *tag, uint64_t address,
                          const char *what)
{
    const char *api = seep_scan_api_name(tag->api);
    struct seep_buf callee = { 0 };
    seep_buf_addf(&callee, tag->wrapped ? "its own function over %s" : "%s", api);
    if (tag->count == 1)
        seep_buf_addf(out, "%s a call of %s at 0x%" PRIx64, what, seep_buf_text(&callee), address);
    else
        seep_buf_addf(out, "%s %" PRIu32 " calls of %s, first at 0x%" PRIx64, what, tag->count,
                      seep_buf_text(&callee), address);
    out->failed = out->failed || callee.failed;
    seep_buf_clear(&callee);
}

static void describe(struct seep_buf *out, const struct seep_driver_file *file,
                     const struct seep_scan_tag *tag)
{
    uint64_t address = file->image_base + tag->rva;
    const char *api = seep_scan_api_name(tag->api);
    switch ((enum seep_scan_how)tag->how) {
    case SEEP_SCAN_CALL:
    case SEEP_SCAN_FREE:
        describe_call(out, tag, address, "operand before");
        break;
    case SEEP_SCAN_VARIABLE:
        describe_call(out, tag, address, "value of a variable passed to");
        break;
    case SEEP_SCAN_TABLE:
        seep_buf_addf(out, "in a table whose entries go to %s, at 0x%" PRIx64, api, address);
        break;
    case SEEP_SCAN_FILTER:
        seep_buf_addf(out, "tag of a context registered with %s, at 0x%" PRIx64, api, address);
        break;
    case SEEP_SCAN_CODE:
        seep_buf_addf(out, "operand in its code, not before a known call, at 0x%" PRIx64, address);
        break;
    case SEEP_SCAN_NAME:
        if (api[0])
            describe_call(out, tag, address, "no tag given in");
        else
            seep_buf_adds(out, "what the driver framework makes of the driver's name");
        break;
    case SEEP_SCAN_DATA:
    case SEEP_N_SCAN_HOW:
        seep_buf_addf(out, "four characters in its data, at 0x%" PRIx64, address);
        break;
    }
}

static bool is_import(uint8_t how)
{
    return how != SEEP_SCAN_DATA && how != SEEP_SCAN_NAME && how != SEEP_SCAN_CODE;
}

static void add_scanned(struct draft *draft, const struct seep_driver_file *file,
                        const struct seep_scan_tag *tag)
{
    double weight = weights[tag->how];
    // What cannot allocate pool itself is less likely to have a tag.
    if (!file->scan.imports_allocators)
        weight /= 2;
    struct seep_tag_owner *owner = owner_named(draft, file->name, weight);
    if (!owner)
        return;
    // A second file of that name (a copy, an older version) says nothing new.
    if (owner->path)
        return;
    owner->path = file->path;
    owner->version = or_null(file->version);
    owner->company = or_null(file->company);
    owner->signer = or_null(file->signer);
    struct seep_buf text = { 0 };
    describe(&text, file, tag);
    if (text.failed)
        draft->failed = true;
    else
        add_evidence(draft, owner, weight,
                     is_import(tag->how) ? SEEP_OWNER_IMPORT : SEEP_OWNER_SCAN, text.data);
    seep_buf_clear(&text);
}

// All entries of a table with the pattern of `entry`, from the same file.
static void add_entries(struct draft *draft, const struct seep_pooltags *tags,
                        const struct seep_pooltag *entry, const char *table)
{
    unsigned n = 0;
    const struct seep_pooltag *first = entry;
    char name[64];
    for (const struct seep_pooltag *e = entry; e && e->file == first->file;
         e = e->next ? &tags->entries[e->next] : NULL) {
        for (const char *at = e->binary ? e->binary : ""; seep_pooltag_file(&at, name);)
            n++;
    }
    for (const struct seep_pooltag *e = entry; e && e->file == first->file;
         e = e->next ? &tags->entries[e->next] : NULL) {
        for (const char *at = e->binary ? e->binary : ""; seep_pooltag_file(&at, name);) {
            double weight = table_weights[first->wild] / n;
            struct seep_tag_owner *owner = owner_named(draft, name, weight);
            struct seep_buf text = { 0 };
            if (first->wild)
                seep_buf_addf(&text, "%s names it for \"%s\"", table, first->pattern);
            else
                seep_buf_addf(&text, "%s names it", table);
            if (owner && !text.failed && (!owner->evidence || !strstr(owner->evidence, text.data)))
                add_evidence(draft, owner, weight, SEEP_OWNER_POOLTAG, text.data);
            draft->failed = draft->failed || text.failed;
            seep_buf_clear(&text);
        }
    }
}

static int by_confidence(const void *a, const void *b)
{
    const struct seep_tag_owner *x = a, *y = b;
    if (x->confidence != y->confidence)
        return x->confidence > y->confidence ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void weigh(struct draft *draft)
{
    double sum = 0;
    for (size_t i = 0; i < draft->n; i++)
        sum += draft->owners[i].confidence / (1 - draft->owners[i].confidence);
    for (size_t i = 0; i < draft->n; i++) {
        struct seep_tag_owner *owner = &draft->owners[i];
        owner->confidence = owner->confidence / (1 - owner->confidence) / (1 + sum);
        // A file that was scanned says itself who made it; of others the name has to do.
        owner->inbox = seep_inbox_knows(owner->name) &&
                       (!owner->path || (owner->company && names_microsoft(owner->company)));
    }
    qsort(draft->owners, draft->n, sizeof *draft->owners, by_confidence);
}

static void add_found(struct draft *draft, const char *tag)
{
    struct seep_drivers *d = draft->d;
    uint32_t key = key_of(tag);
    size_t low = 0, high = d->n_found;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (d->found[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < d->n_found && d->found[low].key == key; low++) {
        const struct seep_driver_file *file = &d->files.at[d->found[low].file];
        add_scanned(draft, file, &file->scan.tags[d->found[low].tag]);
    }
}

// NULL also where memory is out.
static struct seep_tag_owners *answer(struct seep_drivers *d, const char *tag)
{
    struct draft draft = { .d = d };
    const struct seep_pooltag *entry = seep_pooltags_find(&d->tags, tag);
    const struct seep_pooltag *own = seep_pooltags_find(&d->inbox, tag);
    add_found(&draft, tag);
    if (entry)
        add_entries(&draft, &d->tags, entry, d->names[entry->file]);
    if (own)
        add_entries(&draft, &d->inbox, own, "seep's table of Windows' own tags");
    // The more specific of the two tables describes, the user's own where they are equal.
    bool theirs =
        entry && entry->description && (!own || !own->description || entry->wild <= own->wild);
    const char *description = theirs ? entry->description : own ? own->description : NULL;
    if (draft.failed || (!draft.n && !description))
        return NULL;
    weigh(&draft);
    struct seep_tag_owners *out = seep_arena_alloc(&d->arena, 1, sizeof *out);
    struct seep_tag_owner *owners = seep_arena_alloc(&d->arena, draft.n + 1, sizeof *owners);
    if (!out || !owners)
        return NULL;
    if (description)
        description = seep_arena_strndup(&d->arena, description, strlen(description));
    memcpy(owners, draft.owners, draft.n * sizeof *owners);
    *out = (struct seep_tag_owners){ .at = owners, .n = draft.n, .description = description };
    return out;
}

const struct seep_tag_owners *seep_drivers_of(void *drivers, const char *tag)
{
    struct seep_drivers *d = drivers;
    size_t before = d->asked.count;
    uint32_t id = seep_intern(&d->asked, tag, strlen(tag));
    // Without memory for an answer nobody is known.
    if (!id)
        return NULL;
    if (d->asked.count > before) {
        size_t old = d->answers_capacity;
        if (!seep_grow(&d->answers, &d->answers_capacity, id, sizeof *d->answers))
            return NULL;
        for (size_t i = old; i < d->answers_capacity; i++)
            d->answers[i] = NULL;
        d->answers[id - 1] = answer(d, tag);
    }
    return id <= d->answers_capacity ? d->answers[id - 1] : NULL;
}

void seep_drivers_counts(const struct seep_drivers *d, size_t *n_files, size_t *n_cached)
{
    *n_files = d->files.n;
    *n_cached = d->files.n_cached;
}
