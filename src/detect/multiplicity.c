// SPDX-License-Identifier: MIT
// Many series are tested at once; this keeps the share of false accusations down.
#include "detect/judge.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>

struct ranked {
    double p;
    size_t at;
};

static int by_p(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->p != y->p)
        return x->p < y->p ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

bool seep_adjust_p(const double *p, size_t n, double *q)
{
    if (n == 0)
        return true;
    struct ranked *order = seep_alloc(n, sizeof *order);
    if (!order)
        return false;
    for (size_t i = 0; i < n; i++)
        order[i] = (struct ranked){ p[i], i };
    qsort(order, n, sizeof *order, by_p);
    double least = 1;
    for (size_t i = n; i-- > 0;) {
        least = fmin(least, order[i].p * (double)n / (double)(i + 1));
        q[order[i].at] = least;
    }
    seep_free(order);
    return true;
}

// Whether a series could be accused at all: all its steps upward would come to a growth that
// matters. The others are no tests (Tarone 1990). The sum of squares of the steps says so because
// under the null hypothesis it tells nothing of their t (Basu 1955; for normal steps it is complete
// and sufficient for their variance, and t does not depend on that), so the p of those that are
// left is what it was. The growth itself, or whether it has the form of a leak, would tell.
static bool is_tested(const struct seep_judged *judged)
{
    return judged->shape.form != SEEP_FORM_SHORT &&
           judged->shape.reach >= seep_least_growth(judged);
}

bool seep_adjust_machine(struct seep_scene *scene)
{
    double *p = seep_alloc(scene->n_judged + 1, sizeof *p);
    if (!p)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < scene->n_judged; i++) {
        const struct seep_judged *j = &scene->judged[i];
        const char *why_not;
        // What has not the shape of a leak has p = 1. So has what grows by less than matters: a
        // hundred handles that nobody asks about are no evidence for the next accusation.
        if (is_tested(j))
            p[n++] = j->life_of || !seep_growth_matters(j, &why_not) ? 1 : j->shape.p;
    }
    bool done = seep_adjust_p(p, n, p);
    n = 0;
    for (size_t i = 0; i < scene->n_judged; i++) {
        struct seep_judged *j = &scene->judged[i];
        j->q = is_tested(j) ? p[n++] : 1;
    }
    seep_free(p);
    return done;
}
