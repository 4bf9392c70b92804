// SPDX-License-Identifier: MIT
// GET over HTTP and HTTPS, as far as a symbol server needs it: http_posix.c (libcurl),
// http_win32.c (WinHTTP).
//
// A proxy is taken from _NT_SYMBOL_PROXY ("host:port"), else from the variables https_proxy,
// http_proxy, all_proxy and no_proxy, on Windows else from the user's settings. Certificates are
// checked against those of the system. From https no redirection leads to http.
#ifndef SEEP_OS_HTTP_H
#define SEEP_OS_HTTP_H

#include "base/err.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seep_http; // what is kept between requests: connections above all

struct seep_http_options {
    int64_t timeout_ms; // for a connection, and without an answer or with next to nothing of it
    uint64_t max_bytes; // of one answer; more is a failure
    const volatile sig_atomic_t *cancel; // becomes nonzero to stop a request; NULL = never
};

enum {
    SEEP_HTTP_MAX_REDIRECTS = 8,
    // an answer that brings fewer bytes a second than this over the timeout has stalled
    SEEP_HTTP_MIN_RATE = 256,
};

enum seep_http_result {
    SEEP_HTTP_OK = 0,
    SEEP_HTTP_ABSENT,    // the server has it not (404, 410)
    SEEP_HTTP_FORBIDDEN, // it does not give it (401, 403): some say so of what they have not
    SEEP_HTTP_FAILED,    // the server cannot be used; the error says why
    SEEP_HTTP_REFUSED,   // the receiver took no more (a full disk); the error is the receiver's
    SEEP_HTTP_CANCELLED,
};

// Where the bytes of an answer go.
struct seep_http_receiver {
    bool (*take)(void *ctx, const void *data, size_t len); // false = stop
    // NULL, or called now and then; `total` is 0 where the server does not say it.
    void (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
};

// NULL with `err` set where this machine has nothing to fetch with.
struct seep_http *seep_http_open(const struct seep_http_options *options, struct seep_err *err);
void seep_http_close(struct seep_http *http);

// Fetches the resource. Bytes that were taken before a failure are to be thrown away: only
// SEEP_HTTP_OK says that all of them came, as many as the server announced. The body of an answer
// that is not the resource is not given to the receiver.
enum seep_http_result seep_http_get(struct seep_http *http, const char *url,
                                    const struct seep_http_receiver *receiver,
                                    struct seep_err *err);

#endif
