// SPDX-License-Identifier: MIT
// How a long job is stopped and how it tells where it is.
#ifndef SEEP_MODEL_CONTROL_H
#define SEEP_MODEL_CONTROL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct seep_control {
    const volatile sig_atomic_t
        *cancel; // NULL, or a flag that becomes nonzero when the user asks to stop
    // NULL, or called now and then with bytes done of `total_bytes` (0 = unknown)
    void (*progress)(void *ctx, uint64_t done_bytes, uint64_t total_bytes);
    void *ctx;
};

static inline bool seep_cancelled(const struct seep_control *control)
{
    return control && control->cancel && *control->cancel;
}

static inline void seep_progress(const struct seep_control *control, uint64_t done, uint64_t total)
{
    if (control && control->progress)
        control->progress(control->ctx, done, total);
}

#endif
