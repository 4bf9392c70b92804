// SPDX-License-Identifier: MIT
// What the Windows files of this layer share.
#ifndef SEEP_OS_WIN32_H
#define SEEP_OS_WIN32_H

#include <windows.h>

#include <wchar.h>

// UTF-8 to UTF-16 and back; NULL when memory is out or the text is not valid. The caller frees it.
wchar_t *seep_win32_widen(const char *text);
char *seep_win32_narrow(const wchar_t *wide);

// A path in the form that the system's functions take, whatever its length. NULL when memory is
// out.
wchar_t *seep_win32_path(const char *path);

// Why a call failed, in words that do not depend on the system's language; `room` may be used.
const char *seep_win32_reason(DWORD error, char room[32]);

// Makes use of an administrator's right to open the processes of services and of other users, which
// is off in a program that starts. Without that right it changes nothing.
void seep_win32_use_debug_privilege(void);

#endif
