// SPDX-License-Identifier: MIT
// Reads the System part of an event into a plan.
#include "source/evtx/plan.h"

static const struct {
    const char *element, *attribute; // attribute NULL: the element's content
} places[SEEP_EVTX_N_PARTS] = {
    [SEEP_EVTX_PROVIDER] = { "Provider", "Name" },
    [SEEP_EVTX_ID] = { "EventID", NULL },
    [SEEP_EVTX_VERSION] = { "Version", NULL },
    [SEEP_EVTX_TIME] = { "TimeCreated", "SystemTime" },
    [SEEP_EVTX_RECORD_ID] = { "EventRecordID", NULL },
    [SEEP_EVTX_CHANNEL] = { "Channel", NULL },
    [SEEP_EVTX_COMPUTER] = { "Computer", NULL },
};

// The one text or substitution at `pos`.
static void read_ref(struct seep_bytes chunk, size_t pos, size_t limit, struct seep_evtx_ref *ref)
{
    if (pos > limit || limit - pos < 4)
        return;
    const uint8_t *p = chunk.data + pos;
    unsigned token = p[0] & ~(unsigned)SEEP_EVTX_MORE;
    if (token == SEEP_EVTX_TEXT) {
        size_t len = (size_t)seep_le16(p + 2) * 2;
        if (len > limit - pos - 4)
            return;
        ref->kind = SEEP_EVTX_REF_TEXT;
        ref->text = seep_bytes(p + 4, len);
    } else if (token == SEEP_EVTX_SUBSTITUTION || token == SEEP_EVTX_OPTIONAL) {
        ref->kind = SEEP_EVTX_REF_VALUE;
        ref->index = seep_le16(p + 1);
    }
}

static void read_attribute(struct seep_bytes chunk, const struct seep_evtx_element *e,
                           const char *wanted, struct seep_evtx_ref *ref)
{
    size_t pos = e->attributes;
    while (pos < e->attributes_end) {
        struct seep_bytes name;
        unsigned token = chunk.data[pos++] & ~(unsigned)SEEP_EVTX_MORE;
        if (token != SEEP_EVTX_ATTRIBUTE ||
            !seep_evtx_name_reference(chunk, &pos, e->attributes_end, &name))
            return;
        if (seep_evtx_is(name, wanted)) {
            read_ref(chunk, pos, e->attributes_end, ref);
            return;
        }
        // Attributes of System have one piece each.
        struct seep_evtx_ref other = { 0 };
        read_ref(chunk, pos, e->attributes_end, &other);
        if (other.kind == SEEP_EVTX_REF_NONE)
            return;
        pos += 4 + other.text.len;
    }
}

static void read_part(struct seep_bytes chunk, const struct seep_evtx_element *e,
                      struct seep_evtx_plan *plan)
{
    for (int i = 0; i < SEEP_EVTX_N_PARTS; i++) {
        if (plan->part[i].kind != SEEP_EVTX_REF_NONE || !seep_evtx_is(e->name, places[i].element))
            continue;
        if (places[i].attribute)
            read_attribute(chunk, e, places[i].attribute, &plan->part[i]);
        else if (!e->empty)
            read_ref(chunk, e->content, e->end, &plan->part[i]);
        return;
    }
}

// Finds the child `name` of the element whose content starts at `*pos`.
static bool find_child(struct seep_bytes chunk, size_t pos, size_t limit, bool has_dependency,
                       const char *name, struct seep_evtx_element *child)
{
    while (pos < limit && (chunk.data[pos] & ~SEEP_EVTX_MORE) == SEEP_EVTX_OPEN_START) {
        if (!seep_evtx_element(chunk, pos, limit, has_dependency, child))
            return false;
        if (seep_evtx_is(child->name, name))
            return true;
        pos = child->end;
    }
    return false;
}

bool seep_evtx_plan_make(struct seep_bytes chunk, size_t pos, size_t limit,
                         struct seep_evtx_plan *plan)
{
    struct seep_evtx_plan p = { 0 };
    struct seep_evtx_element e;
    seep_evtx_skip_fragment(chunk, &pos, limit);
    bool dependency = true;
    if (!seep_evtx_element(chunk, pos, limit, true, &e)) {
        dependency = false;
        if (!seep_evtx_element(chunk, pos, limit, false, &e))
            return false;
    }
    if (e.empty || !find_child(chunk, e.content, e.end, dependency, "System", &e) || e.empty)
        return false;
    size_t end = e.end;
    for (pos = e.content; pos < end; pos = e.end) {
        if ((chunk.data[pos] & ~SEEP_EVTX_MORE) != SEEP_EVTX_OPEN_START ||
            !seep_evtx_element(chunk, pos, end, dependency, &e))
            break;
        read_part(chunk, &e, &p);
    }
    if (p.part[SEEP_EVTX_PROVIDER].kind == SEEP_EVTX_REF_NONE ||
        p.part[SEEP_EVTX_ID].kind == SEEP_EVTX_REF_NONE)
        return false;
    *plan = p;
    return true;
}

bool seep_evtx_plan_get(const struct seep_evtx_plan *plan, enum seep_evtx_part part,
                        const struct seep_evtx_values *values, struct seep_evtx_value *value)
{
    const struct seep_evtx_ref *ref = &plan->part[part];
    if (ref->kind == SEEP_EVTX_REF_TEXT) {
        value->type = SEEP_EVTX_TYPE_STRING;
        value->bytes = ref->text;
        return true;
    }
    return ref->kind == SEEP_EVTX_REF_VALUE && seep_evtx_value(values, ref->index, value) &&
           value->type != SEEP_EVTX_TYPE_NULL;
}
