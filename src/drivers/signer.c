// SPDX-License-Identifier: MIT
// Who signed a file: the certificate table, its PKCS #7 and the certificates in it, as far as the
// signer's name.
//
// Source: learn.microsoft.com/windows/win32/debug/pe-format (the attribute certificate table),
// RFC 2315 (SignedData), RFC 5280 (Certificate).
#include "drivers/facts.h"

#include "base/utf.h"

#include <string.h>

enum {
    CERTIFICATE_HEAD = 8, // bytes, revision, type
    TYPE_PKCS_SIGNED_DATA = 2,
    MAX_ITEMS = 256, // certificates, parts of a name: real ones have fewer than 20
    DER_INTEGER = 0x02,
    DER_OID = 0x06,
    DER_UTF8 = 0x0c,
    DER_BMP = 0x1e,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_CONTEXT_0 = 0xa0,
};

// The element that starts at `*rest`, which moves behind it. Lengths of more than four bytes, or
// none (BER), are not read.
static bool take(struct seep_bytes *rest, uint8_t *tag, struct seep_bytes *content)
{
    if (rest->len < 2)
        return false;
    size_t head = 2, len = rest->data[1];
    if (len & 0x80) {
        size_t n = len & 0x7f;
        if (!n || n > 4 || n > rest->len - 2)
            return false;
        len = 0;
        for (size_t i = 0; i < n; i++)
            len = len << 8 | rest->data[2 + i];
        head += n;
    }
    if (len > rest->len - head)
        return false;
    *tag = rest->data[0];
    *content = seep_bytes_part(*rest, head, len);
    *rest = seep_bytes_part(*rest, head + len, SIZE_MAX);
    return true;
}

static bool take_tag(struct seep_bytes *rest, uint8_t expected, struct seep_bytes *content)
{
    uint8_t tag;
    struct seep_bytes after = *rest;
    if (!take(&after, &tag, content) || tag != expected)
        return false;
    *rest = after;
    return true;
}

static bool same(struct seep_bytes a, struct seep_bytes b)
{
    return a.len == b.len && (!a.len || memcmp(a.data, b.data, a.len) == 0);
}

// The last common name of a Name; "O" where it has none.
static bool name_text(struct seep_bytes name, char *text, size_t size)
{
    static const uint8_t common_name[] = { 0x55, 4, 3 }, organization[] = { 0x55, 4, 10 };
    struct seep_bytes set, pair, oid, value, best = { 0 };
    uint8_t tag, best_tag = 0;
    bool has_name = false;
    for (int i = 0; i < MAX_ITEMS && take_tag(&name, DER_SET, &set); i++) {
        if (!take_tag(&set, DER_SEQUENCE, &pair) || !take_tag(&pair, DER_OID, &oid) ||
            !take(&pair, &tag, &value) || oid.len != 3)
            continue;
        bool is_name = memcmp(oid.data, common_name, 3) == 0;
        if (is_name || (!has_name && memcmp(oid.data, organization, 3) == 0)) {
            best = value;
            best_tag = tag;
            has_name = has_name || is_name;
        }
    }
    if (!best.len || size < 2)
        return false;
    struct seep_buf buf = { .max = 4096 };
    if (best_tag == DER_BMP) { // UTF-16 with its high bytes first
        for (size_t i = 0; i + 1 < best.len; i += 2) {
            uint32_t point = (uint32_t)best.data[i] << 8 | best.data[i + 1];
            seep_utf8_add_point(&buf, point >= 0xd800 && point < 0xe000 ? '?' : point);
        }
    } else {
        (void)seep_utf8_add(&buf, best);
    }
    size_t len = buf.failed ? 0 : buf.len;
    if (len >= size)
        for (len = size - 1; len && ((unsigned char)buf.data[len] & 0xc0) == 0x80;)
            len--;
    if (len)
        memcpy(text, buf.data, len);
    if (len)
        text[len] = '\0';
    seep_buf_clear(&buf);
    return len > 0;
}

// Issuer, serial number and subject of a certificate.
static bool read_certificate(struct seep_bytes certificate, struct seep_bytes *issuer,
                             struct seep_bytes *serial, struct seep_bytes *subject)
{
    struct seep_bytes body, skipped;
    if (!take_tag(&certificate, DER_SEQUENCE, &body))
        return false;
    (void)take_tag(&body, DER_CONTEXT_0, &skipped); // the version
    return take_tag(&body, DER_INTEGER, serial) && take_tag(&body, DER_SEQUENCE, &skipped) &&
           take_tag(&body, DER_SEQUENCE, issuer) && take_tag(&body, DER_SEQUENCE, &skipped) &&
           take_tag(&body, DER_SEQUENCE, subject);
}

// ContentInfo { OID signedData, [0] SignedData { version, digests, content, [0] certificates,
// [1] revocations, SET OF SignerInfo { version, { issuer, serial number }, ... } } }
static bool read_signed_data(struct seep_bytes der, char *text, size_t size)
{
    struct seep_bytes content, oid, wrapped, data, skipped, certificates, infos, info, who, issuer,
        serial, certificate;
    if (!take_tag(&der, DER_SEQUENCE, &content) || !take_tag(&content, DER_OID, &oid) ||
        !take_tag(&content, DER_CONTEXT_0, &wrapped) || !take_tag(&wrapped, DER_SEQUENCE, &data) ||
        !take_tag(&data, DER_INTEGER, &skipped) || !take_tag(&data, DER_SET, &skipped) ||
        !take_tag(&data, DER_SEQUENCE, &skipped) || !take_tag(&data, DER_CONTEXT_0, &certificates))
        return false;
    (void)take_tag(&data, DER_CONTEXT_0 + 1, &skipped);
    if (!take_tag(&data, DER_SET, &infos) || !take_tag(&infos, DER_SEQUENCE, &info) ||
        !take_tag(&info, DER_INTEGER, &skipped) || !take_tag(&info, DER_SEQUENCE, &who) ||
        !take_tag(&who, DER_SEQUENCE, &issuer) || !take_tag(&who, DER_INTEGER, &serial))
        return false;
    for (int i = 0; i < MAX_ITEMS && take_tag(&certificates, DER_SEQUENCE, &certificate); i++) {
        struct seep_bytes its_issuer, its_serial, subject;
        if (read_certificate(certificate, &its_issuer, &its_serial, &subject) &&
            same(its_issuer, issuer) && same(its_serial, serial))
            return name_text(subject, text, size);
    }
    return false;
}

bool seep_facts_signer(const struct seep_image *image, char *text, size_t size)
{
    // This directory's address is an offset in the file.
    struct seep_bytes table = seep_bytes_part(image->file, image->directory_rva[4],
                                              image->directory_size[SEEP_IMAGE_CERTIFICATES]);
    if (!image->directory_rva[SEEP_IMAGE_CERTIFICATES])
        return false;
    for (size_t at = 0, n = 0; n < MAX_ITEMS && seep_bytes_has(table, at, CERTIFICATE_HEAD); n++) {
        size_t len = seep_le32(table.data + at);
        if (len < CERTIFICATE_HEAD || len > table.len - at)
            return false;
        struct seep_bytes der =
            seep_bytes_part(table, at + CERTIFICATE_HEAD, len - CERTIFICATE_HEAD);
        if (seep_le16(table.data + at + 6) == TYPE_PKCS_SIGNED_DATA &&
            read_signed_data(der, text, size))
            return true;
        if (len > SIZE_MAX - at - 8)
            return false;
        at += (len + 7) & ~(size_t)7;
    }
    return false;
}
