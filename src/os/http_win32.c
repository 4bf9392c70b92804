// SPDX-License-Identifier: MIT
// HTTP through WinHTTP, which is loaded when the first file is fetched: it brings a dozen libraries
// along, most runs need none, and only so it comes from System32 and not from beside seep.exe.
#include "os/http.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "os/files.h"
#include "os/os.h"
#include "os/win32.h"

#include <inttypes.h>
#include <string.h>
#include <winhttp.h>

static struct {
    __typeof__(WinHttpCloseHandle) *close;
    __typeof__(WinHttpConnect) *connect;
    __typeof__(WinHttpCrackUrl) *crack_url;
    __typeof__(WinHttpOpen) *open;
    __typeof__(WinHttpOpenRequest) *open_request;
    __typeof__(WinHttpQueryDataAvailable) *query_available;
    __typeof__(WinHttpQueryHeaders) *query_headers;
    __typeof__(WinHttpReadData) *read;
    __typeof__(WinHttpReceiveResponse) *receive;
    __typeof__(WinHttpSendRequest) *send;
    __typeof__(WinHttpSetOption) *set_option;
    __typeof__(WinHttpSetTimeouts) *set_timeouts;
} winhttp;

struct seep_http {
    HINTERNET session;
    struct seep_http_options options;
};

struct request {
    HINTERNET connection, request;
    uint64_t total; // bytes that the server announced; UINT64_MAX = it did not
};

// GetProcAddress gives every function one type; C wants a copy of the representation.
static bool find(HMODULE library, const char *name, void *function)
{
    FARPROC symbol = GetProcAddress(library, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static bool load(void)
{
    static HMODULE library;
    if (!library)
        library = LoadLibraryExW(L"winhttp.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    return library && find(library, "WinHttpCloseHandle", &winhttp.close) &&
           find(library, "WinHttpConnect", &winhttp.connect) &&
           find(library, "WinHttpCrackUrl", &winhttp.crack_url) &&
           find(library, "WinHttpOpen", &winhttp.open) &&
           find(library, "WinHttpOpenRequest", &winhttp.open_request) &&
           find(library, "WinHttpQueryDataAvailable", &winhttp.query_available) &&
           find(library, "WinHttpQueryHeaders", &winhttp.query_headers) &&
           find(library, "WinHttpReadData", &winhttp.read) &&
           find(library, "WinHttpReceiveResponse", &winhttp.receive) &&
           find(library, "WinHttpSendRequest", &winhttp.send) &&
           find(library, "WinHttpSetOption", &winhttp.set_option) &&
           find(library, "WinHttpSetTimeouts", &winhttp.set_timeouts);
}

// "host:port" out of what the variables hold: a URL, maybe with a name and a password (which are
// not used) and a slash at its end.
static wchar_t *proxy_name(void)
{
    static const char *const variables[] = { "_NT_SYMBOL_PROXY", "https_proxy", "http_proxy",
                                             "all_proxy" };
    char *value = NULL;
    for (size_t i = 0; !value && i < sizeof variables / sizeof *variables; i++)
        value = seep_os_environment(variables[i]);
    if (!value)
        return NULL;
    char *name = strstr(value, "://") ? strstr(value, "://") + 3 : value;
    char *end = strchr(name, '/');
    if (end)
        *end = '\0';
    char *at = strrchr(name, '@');
    wchar_t *wide = seep_win32_widen(at ? at + 1 : name);
    seep_free(value);
    return wide;
}

// no_proxy's commas are semicolons here.
static wchar_t *proxy_bypass(void)
{
    char *value = seep_os_environment("no_proxy");
    for (char *at = value; at && *at; at++)
        *at = *at == ',' ? ';' : *at;
    wchar_t *wide = value ? seep_win32_widen(value) : NULL;
    seep_free(value);
    return wide;
}

struct seep_http *seep_http_open(const struct seep_http_options *options, struct seep_err *err)
{
    struct seep_http *http = seep_alloc(1, sizeof *http);
    if (!http) {
        (void)seep_fail_memory(err);
        return NULL;
    }
    http->options = *options;
    if (!load()) {
        (void)seep_fail(err, SEEP_NO_OFFSET, NULL, "winhttp.dll cannot be loaded");
        seep_free(http);
        return NULL;
    }
    wchar_t *proxy = proxy_name(), *bypass = proxy ? proxy_bypass() : NULL;
    http->session =
        winhttp.open(L"Microsoft-Symbol-Server/10.0 (seep)",
                     proxy ? WINHTTP_ACCESS_TYPE_NAMED_PROXY : WINHTTP_ACCESS_TYPE_AUTOMATIC_PROXY,
                     proxy, bypass, 0);
    if (!http->session && !proxy) // before Windows 8.1
        http->session = winhttp.open(L"Microsoft-Symbol-Server/10.0 (seep)",
                                     WINHTTP_ACCESS_TYPE_DEFAULT_PROXY, NULL, NULL, 0);
    seep_free(proxy);
    seep_free(bypass);
    int timeout = (int)options->timeout_ms;
    DWORD response_timeout = (DWORD)timeout; // otherwise 90 s, whatever the others are
    DWORD redirects = SEEP_HTTP_MAX_REDIRECTS;
    if (!http->session ||
        !winhttp.set_timeouts(http->session, timeout, timeout, timeout, timeout)) {
        (void)seep_fail(err, SEEP_NO_OFFSET, NULL, "WinHTTP cannot be used (error %lu)",
                        GetLastError());
        seep_http_close(http);
        return NULL;
    }
    (void)winhttp.set_option(http->session, WINHTTP_OPTION_MAX_HTTP_AUTOMATIC_REDIRECTS, &redirects,
                             sizeof redirects);
    (void)winhttp.set_option(http->session, WINHTTP_OPTION_RECEIVE_RESPONSE_TIMEOUT,
                             &response_timeout, sizeof response_timeout);
    return http;
}

void seep_http_close(struct seep_http *http)
{
    if (!http)
        return;
    if (http->session)
        (void)winhttp.close(http->session);
    seep_free(http);
}

static enum seep_http_result fail(DWORD error, struct seep_err *err)
{
    char room[32];
    const char *why;
    switch (error) {
    case ERROR_WINHTTP_TIMEOUT:
        why = "no answer in time";
        break;
    case ERROR_WINHTTP_NAME_NOT_RESOLVED:
        why = "the name is not known";
        break;
    case ERROR_WINHTTP_CANNOT_CONNECT:
        why = "no connection";
        break;
    case ERROR_WINHTTP_CONNECTION_ERROR:
    case ERROR_WINHTTP_INVALID_SERVER_RESPONSE:
        why = "the connection broke off";
        break;
    case ERROR_WINHTTP_SECURE_FAILURE:
        why = "the server's certificate is not trusted";
        break;
    case ERROR_WINHTTP_REDIRECT_FAILED:
        why = "too many redirections, or one that is not followed";
        break;
    case ERROR_WINHTTP_INVALID_URL:
    case ERROR_WINHTTP_UNRECOGNIZED_SCHEME:
        why = "not a URL";
        break;
    default:
        why = seep_win32_reason(error, room);
    }
    (void)seep_fail(err, SEEP_NO_OFFSET, NULL, "%s", why);
    return SEEP_HTTP_FAILED;
}

static DWORD query_number(HINTERNET request, DWORD what, DWORD otherwise)
{
    DWORD value = 0, size = sizeof value;
    return winhttp.query_headers(request, what | WINHTTP_QUERY_FLAG_NUMBER,
                                 WINHTTP_HEADER_NAME_BY_INDEX, &value, &size,
                                 WINHTTP_NO_HEADER_INDEX)
               ? value
               : otherwise;
}

// Content-Length; as text, for WinHTTP's numbers have 32 bits.
static uint64_t announced(HINTERNET request)
{
    wchar_t text[24];
    DWORD size = sizeof text;
    if (!winhttp.query_headers(request, WINHTTP_QUERY_CONTENT_LENGTH, WINHTTP_HEADER_NAME_BY_INDEX,
                               text, &size, WINHTTP_NO_HEADER_INDEX))
        return UINT64_MAX;
    uint64_t value = 0;
    for (const wchar_t *at = text; *at; at++) {
        if (*at < L'0' || *at > L'9' || value > (UINT64_MAX - 9) / 10)
            return UINT64_MAX;
        value = value * 10 + (uint64_t)(*at - L'0');
    }
    return value;
}

static bool start(struct seep_http *http, const wchar_t *url, struct request *r)
{
    wchar_t host[256], none[1] = L"";
    URL_COMPONENTS parts = { .dwStructSize = sizeof parts,
                             .lpszHostName = host,
                             .dwHostNameLength = sizeof host / sizeof *host,
                             .dwUrlPathLength = (DWORD)-1,
                             .dwExtraInfoLength = (DWORD)-1 };
    if (!winhttp.crack_url(url, 0, 0, &parts))
        return false;
    // Path and query follow each other in the URL.
    const wchar_t *path = parts.dwUrlPathLength ? parts.lpszUrlPath : none;
    DWORD flags = parts.nScheme == INTERNET_SCHEME_HTTPS ? WINHTTP_FLAG_SECURE : 0;
    r->connection = winhttp.connect(http->session, host, parts.nPort, 0);
    if (r->connection)
        r->request = winhttp.open_request(r->connection, L"GET", path, NULL, WINHTTP_NO_REFERER,
                                          WINHTTP_DEFAULT_ACCEPT_TYPES, flags);
    DWORD policy = WINHTTP_OPTION_REDIRECT_POLICY_DISALLOW_HTTPS_TO_HTTP;
    if (r->request)
        (void)winhttp.set_option(r->request, WINHTTP_OPTION_REDIRECT_POLICY, &policy,
                                 sizeof policy);
    return r->request &&
           winhttp.send(r->request, WINHTTP_NO_ADDITIONAL_HEADERS, 0, WINHTTP_NO_REQUEST_DATA, 0, 0,
                        0) &&
           winhttp.receive(r->request, NULL);
}

static enum seep_http_result receive(struct seep_http *http, struct request *r,
                                     const struct seep_http_receiver *to, struct seep_err *err)
{
    static char piece[65536];
    const struct seep_http_options *options = &http->options;
    uint64_t received = 0, window_bytes = 0;
    int64_t window_ns = seep_os_monotonic_ns(), timeout_ns = options->timeout_ms * 1000000;
    for (;;) {
        DWORD len = 0, wanted = 0;
        if (options->cancel && *options->cancel) {
            (void)seep_fail(err, SEEP_NO_OFFSET, NULL, "stopped");
            return SEEP_HTTP_CANCELLED;
        }
        // Reading alone would wait until the whole piece is full.
        if (!winhttp.query_available(r->request, &wanted))
            return fail(GetLastError(), err);
        if (wanted > sizeof piece)
            wanted = sizeof piece;
        if (wanted && !winhttp.read(r->request, piece, wanted, &len))
            return fail(GetLastError(), err);
        if (!len)
            break;
        if (len > options->max_bytes - received) {
            (void)seep_fail(err, SEEP_NO_OFFSET, NULL, "the answer has more than %" PRIu64 " bytes",
                            options->max_bytes);
            return SEEP_HTTP_FAILED;
        }
        if (!to->take(to->ctx, piece, len))
            return SEEP_HTTP_REFUSED;
        received += len;
        window_bytes += len;
        if (to->progress)
            to->progress(to->ctx, received, r->total == UINT64_MAX ? 0 : r->total);
        int64_t now = seep_os_monotonic_ns();
        if (now - window_ns < timeout_ns)
            continue;
        if (window_bytes < (uint64_t)options->timeout_ms * SEEP_HTTP_MIN_RATE / 1000)
            return fail(ERROR_WINHTTP_TIMEOUT, err);
        window_ns = now;
        window_bytes = 0;
    }
    if (r->total != UINT64_MAX && received != r->total) {
        (void)seep_fail(err, SEEP_NO_OFFSET, NULL, "the answer broke off after %" PRIu64 " bytes",
                        received);
        return SEEP_HTTP_FAILED;
    }
    return SEEP_HTTP_OK;
}

enum seep_http_result seep_http_get(struct seep_http *http, const char *url,
                                    const struct seep_http_receiver *receiver, struct seep_err *err)
{
    struct request r = { 0 };
    enum seep_http_result result;
    wchar_t *wide = seep_win32_widen(url);
    if (!wide) {
        (void)seep_fail_memory(err);
        return SEEP_HTTP_FAILED;
    }
    if (!start(http, wide, &r)) {
        result = fail(GetLastError(), err);
    } else {
        DWORD status = query_number(r.request, WINHTTP_QUERY_STATUS_CODE, 0);
        r.total = announced(r.request);
        if (status == 200) {
            result = receive(http, &r, receiver, err);
        } else if (status == 404 || status == 410) {
            result = SEEP_HTTP_ABSENT;
        } else {
            (void)seep_fail(err, SEEP_NO_OFFSET, NULL, "the server answered %lu", status);
            result = status == 401 || status == 403 ? SEEP_HTTP_FORBIDDEN : SEEP_HTTP_FAILED;
        }
    }
    if (r.request)
        (void)winhttp.close(r.request);
    if (r.connection)
        (void)winhttp.close(r.connection);
    seep_free(wide);
    return result;
}
