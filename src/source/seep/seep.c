// SPDX-License-Identifier: MIT
// A case is itself a source: what was recorded on one machine is judged, merged and printed on
// another.
//
// This is the one source that reads through another layer (the case): reading it twice would be
// writing it twice.
#include "case/case.h"
#include "source/source.h"

extern const struct seep_source seep_source_seep;

static unsigned bid(struct seep_bytes file)
{
    return seep_case_is_case(file) ? (16 + 4) * 8 : SEEP_BID_NONE;
}

static enum seep_status read_case(const struct seep_input *input, struct seep_sink *sink,
                                  const struct seep_control *control, uint64_t *read_bytes,
                                  struct seep_err *err)
{
    struct seep_case *c;
    // A case that is being written has its last batches in a WAL beside it: a file is opened by its
    // name.
    bool open = input->map ? seep_case_open(input->path, SEEP_CASE_READ, &c, err)
                           : seep_case_open_bytes(input->view, &c, err);
    if (!open)
        return SEEP_FAILED;
    enum seep_status status = seep_case_copy(c, sink, control, err);
    seep_case_close(c);
    if (status == SEEP_OK)
        *read_bytes = input->view.len;
    return status;
}

const struct seep_source seep_source_seep = {
    .name = "seep", .about = "a case that seep wrote", .bid = bid, .read = read_case
};
