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
