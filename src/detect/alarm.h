// SPDX-License-Identifier: MIT
// Alarms about findings: raised and withdrawn by the rule in stream.h.
#ifndef SEEP_DETECT_ALARM_H
#define SEEP_DETECT_ALARM_H

#include "detect/detect.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seep_alarm;

// Zeroed = none. Only subjects that were once called leaking are kept.
struct seep_alarms {
    struct seep_alarm *at;
    size_t n, capacity, n_raised;
};

enum seep_alarm_change {
    SEEP_ALARM_SAME = 0,
    SEEP_ALARM_RAISED,
    SEEP_ALARM_WITHDRAWN,
};

// Takes in one finding of a judgement at `now_ns` of an observation that began at `start_ns`. False
// when memory is out.
bool seep_alarms_hear(struct seep_alarms *alarms, const struct seep_finding *finding,
                      int64_t start_ns, int64_t now_ns, enum seep_alarm_change *change);

bool seep_alarms_raised(const struct seep_alarms *alarms, const struct seep_finding *finding);

void seep_alarms_clear(struct seep_alarms *alarms);

#endif
