// SPDX-License-Identifier: MIT
// HTTP through libcurl, which is loaded when the first request is made: it brings thirty libraries
// along, and most runs need no symbols or find them on disk.
#include "os/http.h"

#include "base/alloc.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct curl_functions {
    __typeof__(curl_global_init) *global_init;
    __typeof__(curl_easy_init) *init;
    __typeof__(curl_easy_cleanup) *cleanup;
    CURLcode (*setopt)(CURL *, CURLoption, ...);
    CURLcode (*getinfo)(CURL *, CURLINFO, ...);
    __typeof__(curl_easy_perform) *perform;
    const char *(*strerror)(CURLcode);
};

struct seep_http {
    struct curl_functions curl;
    CURL *handle;
    struct seep_http_options options;
    // of the request that is running
    const struct seep_http_receiver *receiver;
    uint64_t received;
    bool refused, too_big, cancelled;
    char reason[CURL_ERROR_SIZE];
};

// POSIX has dlsym give functions as data pointers; C wants a copy of the representation.
static bool find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static bool load(struct curl_functions *curl)
{
    // Debian's two builds against OpenSSL and GnuTLS; other systems have the first name.
    static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4" };
    void *library = NULL;
    for (size_t i = 0; !library && i < sizeof names / sizeof *names; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    // It stays loaded: libraries that it brings along register what runs at the end of the process.
    return library && find(library, "curl_global_init", &curl->global_init) &&
           find(library, "curl_easy_init", &curl->init) &&
           find(library, "curl_easy_cleanup", &curl->cleanup) &&
           find(library, "curl_easy_setopt", &curl->setopt) &&
           find(library, "curl_easy_getinfo", &curl->getinfo) &&
           find(library, "curl_easy_perform", &curl->perform) &&
           find(library, "curl_easy_strerror", &curl->strerror);
}

static size_t take(char *data, size_t size, size_t n, void *ctx)
{
    struct seep_http *http = ctx;
    size_t len = size * n; // size is 1: CURLOPT_WRITEFUNCTION's documentation
    if (len > http->options.max_bytes - http->received)
        http->too_big = true;
    else if (!http->receiver->take(http->receiver->ctx, data, len))
        http->refused = true;
    if (http->too_big || http->refused)
        return 0;
    http->received += len;
    return len;
}

static int progress(void *ctx, curl_off_t total, curl_off_t done, curl_off_t up, curl_off_t upped)
{
    struct seep_http *http = ctx;
    (void)up;
    (void)upped;
    if (http->options.cancel && *http->options.cancel)
        http->cancelled = true;
    else if (http->receiver->progress && done > 0)
        http->receiver->progress(http->receiver->ctx, (uint64_t)done,
                                 total > 0 ? (uint64_t)total : 0);
    return http->cancelled;
}

static bool prepare(struct seep_http *http)
{
    CURLcode (*set)(CURL *, CURLoption, ...) = http->curl.setopt;
    CURL *h = http->handle;
    long timeout_ms = (long)http->options.timeout_ms;
    const char *proxy = getenv("_NT_SYMBOL_PROXY");
    return set(h, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
           set(h, CURLOPT_WRITEDATA, http) == CURLE_OK &&
           set(h, CURLOPT_XFERINFOFUNCTION, progress) == CURLE_OK &&
           set(h, CURLOPT_XFERINFODATA, http) == CURLE_OK &&
           set(h, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           set(h, CURLOPT_ERRORBUFFER, http->reason) == CURLE_OK &&
           set(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK && // it must not touch our handlers
           set(h, CURLOPT_FAILONERROR, 1L) == CURLE_OK &&
           set(h, CURLOPT_FOLLOWLOCATION, 1L) == CURLE_OK &&
           set(h, CURLOPT_MAXREDIRS, (long)SEEP_HTTP_MAX_REDIRECTS) == CURLE_OK &&
           set(h, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           set(h, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms) == CURLE_OK &&
           set(h, CURLOPT_LOW_SPEED_LIMIT, (long)SEEP_HTTP_MIN_RATE) == CURLE_OK &&
           set(h, CURLOPT_LOW_SPEED_TIME, (timeout_ms + 999) / 1000) == CURLE_OK &&
           set(h, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)http->options.max_bytes) == CURLE_OK &&
           // Some servers answer only what names itself so.
           set(h, CURLOPT_USERAGENT, "Microsoft-Symbol-Server/10.0 (seep)") == CURLE_OK &&
           (!proxy || !*proxy || set(h, CURLOPT_PROXY, proxy) == CURLE_OK);
}

struct seep_http *seep_http_open(const struct seep_http_options *options, struct seep_err *err)
{
    struct seep_http *http = seep_alloc(1, sizeof *http);
    if (!http) {
        (void)seep_fail_memory(err);
        return NULL;
    }
    http->options = *options;
    if (!load(&http->curl)) {
        (void)seep_fail(err, SEEP_NO_OFFSET, "install libcurl (Debian: libcurl4)",
                        "there is no libcurl here to fetch symbols with");
        seep_http_close(http);
        return NULL;
    }
    if (http->curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        http->handle = http->curl.init();
    if (!http->handle || !prepare(http)) {
        (void)seep_fail(err, SEEP_NO_OFFSET, "libcurl 7.85 or later is needed",
                        "libcurl cannot be used");
        seep_http_close(http);
        return NULL;
    }
    return http;
}

void seep_http_close(struct seep_http *http)
{
    if (!http)
        return;
    if (http->handle)
        http->curl.cleanup(http->handle);
    seep_free(http);
}

enum seep_http_result seep_http_get(struct seep_http *http, const char *url,
                                    const struct seep_http_receiver *receiver, struct seep_err *err)
{
    http->receiver = receiver;
    http->received = 0;
    http->refused = http->too_big = http->cancelled = false;
    http->reason[0] = '\0';
    const char *redirects = strncmp(url, "https:", 6) == 0 ? "https" : "http,https";
    CURLcode code = http->curl.setopt(http->handle, CURLOPT_URL, url);
    if (code == CURLE_OK)
        code = http->curl.setopt(http->handle, CURLOPT_REDIR_PROTOCOLS_STR, redirects);
    if (code == CURLE_OK)
        code = http->curl.perform(http->handle);
    if (code == CURLE_OK)
        return SEEP_HTTP_OK;
    long status = 0;
    (void)http->curl.getinfo(http->handle, CURLINFO_RESPONSE_CODE, &status);
    if (http->cancelled) {
        (void)seep_fail(err, SEEP_NO_OFFSET, NULL, "stopped");
        return SEEP_HTTP_CANCELLED;
    }
    if (http->refused)
        return SEEP_HTTP_REFUSED;
    if (code == CURLE_HTTP_RETURNED_ERROR && (status == 404 || status == 410))
        return SEEP_HTTP_ABSENT;
    if (code == CURLE_HTTP_RETURNED_ERROR && (status == 401 || status == 403)) {
        (void)seep_fail(err, SEEP_NO_OFFSET, NULL, "the server answered %ld", status);
        return SEEP_HTTP_FORBIDDEN;
    }
    if (code == CURLE_HTTP_RETURNED_ERROR)
        (void)seep_fail(err, SEEP_NO_OFFSET, NULL, "the server answered %ld", status);
    else if (http->too_big || code == CURLE_FILESIZE_EXCEEDED)
        (void)seep_fail(err, SEEP_NO_OFFSET, NULL, "the answer has more than %" PRIu64 " bytes",
                        http->options.max_bytes);
    else
        (void)seep_fail(err, SEEP_NO_OFFSET, NULL, "%s",
                        http->reason[0] ? http->reason : http->curl.strerror(code));
    return SEEP_HTTP_FAILED;
}
