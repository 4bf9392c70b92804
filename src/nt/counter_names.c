// SPDX-License-Identifier: MIT
// Tables of localized performance object and counter names, and look-ups in them.
#include "nt/counter_names.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define ON(object) (1u << (object))
#define ON_PROCESS (ON(SEEP_PERF_PROCESS) | ON(SEEP_PERF_PROCESS_V2))
#define ON_MEMORY ON(SEEP_PERF_MEMORY)
#define ON_PAGING ON(SEEP_PERF_PAGING_FILE)

struct object_row {
    const char *english;
    uint32_t index; // 0: none; a version 2 counter set, whose index differs between machines
};

static const struct object_row objects[] = {
    [SEEP_PERF_OBJECT_NONE] = { "", 0 },
    [SEEP_PERF_PROCESS] = { "Process", 230 },
    [SEEP_PERF_PROCESS_V2] = { "Process V2", 0 },
    [SEEP_PERF_MEMORY] = { "Memory", 4 },
    [SEEP_PERF_PAGING_FILE] = { "Paging File", 700 },
};
static_assert(sizeof objects / sizeof objects[0] == SEEP_PERF_OBJECT_COUNT_, "one row per object");

struct counter_row {
    const char *english;
    uint32_t index;
    uint32_t objects; // ON() bits
};

// The Perflib index list of a German Windows, published as a comment in a PowerShell script, agrees
// with the English names that public code uses beside the same indexes (Zabbix templates:
// \4\58, \4\678, \4\818; NSClient++: \4\26, \4\30; netdata: 230).
static const struct counter_row counters[] = {
    [SEEP_PERF_COUNTER_NONE] = { "", 0, 0 },
    [SEEP_PERF_PRIVATE_BYTES] = { "Private Bytes", 186, ON_PROCESS },
    [SEEP_PERF_VIRTUAL_BYTES] = { "Virtual Bytes", 174, ON_PROCESS },
    [SEEP_PERF_POOL_PAGED_BYTES] = { "Pool Paged Bytes", 56, ON_PROCESS | ON_MEMORY },
    [SEEP_PERF_POOL_NONPAGED_BYTES] = { "Pool Nonpaged Bytes", 58, ON_PROCESS | ON_MEMORY },
    [SEEP_PERF_HANDLE_COUNT] = { "Handle Count", 952, ON_PROCESS },
    [SEEP_PERF_THREAD_COUNT] = { "Thread Count", 680, ON_PROCESS },
    [SEEP_PERF_WORKING_SET] = { "Working Set", 180, ON_PROCESS },
    [SEEP_PERF_WORKING_SET_PRIVATE] = { "Working Set - Private", 1478, ON_PROCESS },
    [SEEP_PERF_PAGE_FILE_BYTES] = { "Page File Bytes", 184, ON_PROCESS },
    [SEEP_PERF_ID_PROCESS] = { "ID Process", 784, ON_PROCESS },
    [SEEP_PERF_CREATING_PROCESS_ID] = { "Creating Process ID", 1410, ON_PROCESS },
    [SEEP_PERF_ELAPSED_TIME] = { "Elapsed Time", 684, ON_PROCESS },
    [SEEP_PERF_COMMITTED_BYTES] = { "Committed Bytes", 26, ON_MEMORY },
    [SEEP_PERF_COMMIT_LIMIT] = { "Commit Limit", 30, ON_MEMORY },
    [SEEP_PERF_AVAILABLE_BYTES] = { "Available Bytes", 24, ON_MEMORY },
    [SEEP_PERF_AVAILABLE_KBYTES] = { "Available KBytes", 1380, ON_MEMORY },
    [SEEP_PERF_AVAILABLE_MBYTES] = { "Available MBytes", 1382, ON_MEMORY },
    [SEEP_PERF_POOL_PAGED_RESIDENT_BYTES] = { "Pool Paged Resident Bytes", 66, ON_MEMORY },
    [SEEP_PERF_FREE_SYSTEM_PTES] = { "Free System Page Table Entries", 678, ON_MEMORY },
    [SEEP_PERF_CACHE_BYTES] = { "Cache Bytes", 818, ON_MEMORY },
    [SEEP_PERF_MODIFIED_PAGE_LIST_BYTES] = { "Modified Page List Bytes", 1678, ON_MEMORY },
    [SEEP_PERF_COMMITTED_IN_USE] = { "% Committed Bytes In Use", 1406, ON_MEMORY },
    [SEEP_PERF_PAGING_USAGE] = { "% Usage", 702, ON_PAGING },
};
static_assert(sizeof counters / sizeof counters[0] == SEEP_PERF_COUNTER_COUNT_,
              "one row per counter");

struct object_name {
    enum seep_perf_object object;
    const char *name;
};

// Japanese, Chinese and Korean systems keep the English names of these objects (published logs of
// such systems). `Process V2` keeps its suffix behind the translated name.
static const struct object_name object_names[] = {
    { SEEP_PERF_PROCESS, "Prozess" },                  // de: published index list
    { SEEP_PERF_MEMORY, "Arbeitsspeicher" },           // de: the same, Windows 8 and later
    { SEEP_PERF_MEMORY, "Speicher" },                  // de: NSClient++, earlier Windows
    { SEEP_PERF_PAGING_FILE, "Auslagerungsdatei" },    // de: published index list
    { SEEP_PERF_PROCESS, "Processus" },                // fr: published Get-Counter scripts
    { SEEP_PERF_MEMORY, "Mémoire" },                   // fr
    { SEEP_PERF_PAGING_FILE, "Fichier d'échange" },    // fr
    { SEEP_PERF_PROCESS, "Proceso" },                  // es: published Get-Counter scripts
    { SEEP_PERF_MEMORY, "Memoria" },                   // es, it: published scripts
    { SEEP_PERF_PROCESS, "Processo" },                 // it, pt: published scripts
    { SEEP_PERF_MEMORY, "Memória" },                   // pt: published scripts
    { SEEP_PERF_PAGING_FILE, "Arquivo de Paginação" }, // pt-BR: published tuning guide
    { SEEP_PERF_PROCESS, "Процесс" },                  // ru: published Get-Counter scripts
    { SEEP_PERF_MEMORY, "Память" },                    // ru: the same, and PDH-CSV logs
    { SEEP_PERF_PROCESS, "Proces" },                   // pl, nl: Microsoft's documentation
    { SEEP_PERF_MEMORY, "Pamięć" },                    // pl: published typeperf script
    { SEEP_PERF_MEMORY, "Geheugen" },                  // nl: published monitoring configuration
    { SEEP_PERF_MEMORY, "Minne" },                     // sv: published Get-Counter scripts
};

struct counter_name {
    enum seep_perf_counter counter;
    const char *name;
};

static const struct counter_name counter_names[] = {
    // de: the index list of a whole Windows installation (HKLM\...\Perflib\CurrentLanguage)
    { SEEP_PERF_PRIVATE_BYTES, "Private Bytes" },
    { SEEP_PERF_VIRTUAL_BYTES, "Virtuelle Größe" },
    { SEEP_PERF_POOL_PAGED_BYTES, "Auslagerungsseiten (Bytes)" },
    { SEEP_PERF_POOL_NONPAGED_BYTES, "Nicht-Auslagerungsseiten (Bytes)" },
    { SEEP_PERF_HANDLE_COUNT, "Handleanzahl" },
    { SEEP_PERF_THREAD_COUNT, "Threadanzahl" },
    { SEEP_PERF_WORKING_SET, "Arbeitsseiten" },
    { SEEP_PERF_WORKING_SET_PRIVATE, "Arbeitsseiten - privat" },
    { SEEP_PERF_PAGE_FILE_BYTES, "Auslagerungsdatei (Bytes)" },
    { SEEP_PERF_ID_PROCESS, "Prozesskennung" },
    { SEEP_PERF_CREATING_PROCESS_ID, "Prozesskennung erstellen" },
    { SEEP_PERF_ELAPSED_TIME, "Verstrichene Zeit" },
    { SEEP_PERF_COMMITTED_BYTES, "Zugesicherte Bytes" },
    { SEEP_PERF_COMMIT_LIMIT, "Zusagegrenze" },
    { SEEP_PERF_AVAILABLE_BYTES, "Verfügbare Bytes" },
    { SEEP_PERF_AVAILABLE_KBYTES, "Verfügbare KB" },
    { SEEP_PERF_AVAILABLE_MBYTES, "Verfügbare MB" },
    { SEEP_PERF_POOL_PAGED_RESIDENT_BYTES, "Auslagerungsseiten: Residente Bytes" },
    { SEEP_PERF_FREE_SYSTEM_PTES, "Freie Seitentabelleneinträge" },
    { SEEP_PERF_CACHE_BYTES, "Cachebytes" },
    { SEEP_PERF_MODIFIED_PAGE_LIST_BYTES, "Geänderte Seitenliste - Bytes" },
    { SEEP_PERF_COMMITTED_IN_USE, "Zugesicherte verwendete Bytes (%)" },
    { SEEP_PERF_PAGING_USAGE, "Belegung (%)" },
    // fr: Get-Counter lists of a whole object (Mémoire, Fichier d'échange), Get-Counter scripts and
    // Microsoft's documentation beside the English names (Processus)
    { SEEP_PERF_PRIVATE_BYTES, "Octets privés" },
    { SEEP_PERF_VIRTUAL_BYTES, "Octets virtuels" },
    { SEEP_PERF_POOL_PAGED_BYTES, "Octets de réserve paginée" },
    { SEEP_PERF_POOL_NONPAGED_BYTES, "Octets de réserve non paginée" },
    { SEEP_PERF_HANDLE_COUNT, "Nombre de handles" },
    { SEEP_PERF_THREAD_COUNT, "Nombre de threads" },
    { SEEP_PERF_WORKING_SET, "Plage de travail" },
    { SEEP_PERF_WORKING_SET_PRIVATE, "Plage de travail - Privée" },
    { SEEP_PERF_COMMITTED_BYTES, "Octets validés" },
    { SEEP_PERF_COMMITTED_BYTES, "Octets dédiés" }, // earlier Windows: NSClient++
    { SEEP_PERF_COMMIT_LIMIT, "Limite de mémoire dédiée" },
    { SEEP_PERF_AVAILABLE_BYTES, "Octets disponibles" },
    { SEEP_PERF_AVAILABLE_KBYTES, "Kilo-octets disponibles" },
    { SEEP_PERF_AVAILABLE_MBYTES, "Mégaoctets disponibles" },
    { SEEP_PERF_POOL_PAGED_RESIDENT_BYTES, "Octets résidants de réserve paginée" },
    { SEEP_PERF_FREE_SYSTEM_PTES, "Entrées libres en table des pages système" },
    { SEEP_PERF_CACHE_BYTES, "Octets du cache" },
    { SEEP_PERF_MODIFIED_PAGE_LIST_BYTES, "Octets de la liste des pages modifiées" },
    { SEEP_PERF_COMMITTED_IN_USE, "Pourcentage d'octets dédiés utilisés" },
    { SEEP_PERF_PAGING_USAGE, "Pourcentage d'utilisation" },
    // es: Get-Counter scripts; the Azure guest metric list
    { SEEP_PERF_PRIVATE_BYTES, "Bytes privados" },
    { SEEP_PERF_POOL_PAGED_BYTES, "Bytes de bloque paginado" },
    { SEEP_PERF_POOL_NONPAGED_BYTES, "Bytes de bloque no paginado" },
    { SEEP_PERF_POOL_NONPAGED_BYTES, "Bytes del bloque no paginado" },
    { SEEP_PERF_HANDLE_COUNT, "Número de identificadores" },
    { SEEP_PERF_THREAD_COUNT, "Número de subprocesos" },
    { SEEP_PERF_WORKING_SET_PRIVATE, "Espacio de trabajo - Privado" },
    { SEEP_PERF_ID_PROCESS, "Id. de proceso" },
    { SEEP_PERF_COMMITTED_BYTES, "Bytes confirmados" },
    { SEEP_PERF_COMMIT_LIMIT, "Límite de confirmación" },
    { SEEP_PERF_AVAILABLE_BYTES, "Bytes disponibles" },
    { SEEP_PERF_AVAILABLE_MBYTES, "Mbytes disponibles" },
    { SEEP_PERF_COMMITTED_IN_USE, "% de bytes confirmados en uso" },
    // it: typeperf and Get-Counter scripts; NSClient++
    { SEEP_PERF_PRIVATE_BYTES, "Byte privati" },
    { SEEP_PERF_HANDLE_COUNT, "Conteggio degli handle" },
    { SEEP_PERF_THREAD_COUNT, "Conteggio thread" },
    { SEEP_PERF_WORKING_SET_PRIVATE, "Working set - Privato" },
    { SEEP_PERF_COMMITTED_BYTES, "Byte vincolati" },
    { SEEP_PERF_COMMIT_LIMIT, "Limite memoria vincolata" },
    { SEEP_PERF_AVAILABLE_BYTES, "Byte disponibili" },
    { SEEP_PERF_AVAILABLE_MBYTES, "MByte disponibili" },
    { SEEP_PERF_COMMITTED_IN_USE, "% byte vincolati in uso" },
    // pt-BR: Get-Counter scripts; the Azure guest metric list; a published tuning guide. Private
    // and committed bytes have the same names as in Spanish.
    { SEEP_PERF_POOL_PAGED_BYTES, "Bytes de Pool Pagináveis" },
    { SEEP_PERF_POOL_NONPAGED_BYTES, "Bytes de Pool Não Pagináveis" },
    { SEEP_PERF_THREAD_COUNT, "Contagem de Thread" },
    { SEEP_PERF_HANDLE_COUNT, "Contagem de Manipulador" },
    { SEEP_PERF_ID_PROCESS, "Processo de identificação" },
    { SEEP_PERF_COMMIT_LIMIT, "Limite de Confirmação" },
    { SEEP_PERF_AVAILABLE_BYTES, "Bytes disponíveis" },
    { SEEP_PERF_AVAILABLE_MBYTES, "MBytes disponíveis" },
    { SEEP_PERF_COMMITTED_IN_USE, "% bytes confirmados em uso" },
    { SEEP_PERF_PAGING_USAGE, "% de Uso" },
    // ru: Get-Counter scripts; a Zabbix template that gives names beside indexes; Microsoft's
    // documentation beside the English names
    { SEEP_PERF_PRIVATE_BYTES, "Байт исключительного пользования" },
    { SEEP_PERF_POOL_PAGED_BYTES, "Байт в выгружаемом страничном пуле" },
    { SEEP_PERF_POOL_NONPAGED_BYTES, "Байт в невыгружаемом страничном пуле" },
    { SEEP_PERF_HANDLE_COUNT, "Счетчик дескрипторов" },
    { SEEP_PERF_THREAD_COUNT, "Счетчик потоков" },
    { SEEP_PERF_WORKING_SET, "Рабочий набор" },
    { SEEP_PERF_WORKING_SET_PRIVATE, "Рабочий набор (частный)" },
    { SEEP_PERF_ID_PROCESS, "Идентификатор процесса" },
    { SEEP_PERF_AVAILABLE_BYTES, "Доступно байт" },
    { SEEP_PERF_AVAILABLE_MBYTES, "Доступно МБ" },
    { SEEP_PERF_FREE_SYSTEM_PTES, "Свободных элементов таблицы страниц" },
    { SEEP_PERF_CACHE_BYTES, "Байт кэш-памяти" },
    { SEEP_PERF_COMMITTED_IN_USE, "% использования выделенной памяти" },
    // pl: a typeperf script; Get-Counter scripts; Microsoft's documentation (private bytes)
    { SEEP_PERF_PRIVATE_BYTES, "Bajty prywatne" },
    { SEEP_PERF_COMMITTED_BYTES, "Zadeklarowane bajty" },
    { SEEP_PERF_AVAILABLE_BYTES, "Dostępne bajty" },
    { SEEP_PERF_COMMITTED_IN_USE, "Zadeklarowane bajty w użyciu (%)" },
    // nl: a published monitoring configuration
    { SEEP_PERF_AVAILABLE_MBYTES, "Beschikbare megabytes (MB)" },
    // sv: Get-Counter scripts; NSClient++ (\4\30)
    { SEEP_PERF_COMMIT_LIMIT, "Dedikationsgräns" },
    { SEEP_PERF_AVAILABLE_BYTES, "Tillgängliga byte" },
    { SEEP_PERF_AVAILABLE_MBYTES, "Tillgängliga megabyte" },
};

// The next code point of valid UTF-8, folded to lower case for the letters of the tables; a byte
// that is not UTF-8 is its own value beyond Unicode, so it equals only itself.
static uint32_t next_folded(const char *text, size_t length, size_t *at)
{
    const unsigned char *s = (const unsigned char *)text + *at;
    size_t left = length - *at;
    uint32_t c = s[0];
    size_t n = 1;

    if (c >= 0xc2 && c <= 0xdf && left >= 2 && (s[1] & 0xc0) == 0x80) {
        c = (c & 0x1f) << 6 | (s[1] & 0x3fu);
        n = 2;
    } else if (c >= 0xe0 && c <= 0xef && left >= 3 && (s[1] & 0xc0) == 0x80 &&
               (s[2] & 0xc0) == 0x80) {
        c = (c & 0x0f) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
        n = 3;
    } else if (c >= 0x80) {
        c += 0x110000;
    }
    *at += n;
    if (c >= 'A' && c <= 'Z')
        return c + 0x20;
    if (c >= 0xc0 && c <= 0xde && c != 0xd7)
        return c + 0x20;
    if (c >= 0x0400 && c <= 0x040f)
        return c + 0x50;
    if (c >= 0x0410 && c <= 0x042f)
        return c + 0x20;
    if (c >= 0x0100 && c <= 0x0177 && c != 0x0130 && c != 0x0131 && !(c >= 0x0138 && c <= 0x0148))
        return c | 1;
    return c;
}

static bool same_name(const char *row, const char *name, size_t length)
{
    size_t row_length = strlen(row);
    size_t i = 0, j = 0;

    // Folding never changes the number of UTF-8 bytes of the letters it knows.
    if (row_length != length)
        return false;
    while (i < row_length && j < length) {
        if (next_folded(row, row_length, &i) != next_folded(name, length, &j))
            return false;
    }
    return i == row_length && j == length;
}

enum seep_perf_object seep_perf_object_by_index(uint32_t index)
{
    for (unsigned i = 1; index != 0 && i < SEEP_PERF_OBJECT_COUNT_; i++) {
        if (objects[i].index == index)
            return (enum seep_perf_object)i;
    }
    return SEEP_PERF_OBJECT_NONE;
}

enum seep_perf_counter seep_perf_counter_by_index(enum seep_perf_object object, uint32_t index)
{
    for (unsigned i = 1; index != 0 && i < SEEP_PERF_COUNTER_COUNT_; i++) {
        if (counters[i].index == index && (counters[i].objects & ON(object)) != 0)
            return (enum seep_perf_counter)i;
    }
    return SEEP_PERF_COUNTER_NONE;
}

static enum seep_perf_object object_by_exact_name(const char *name, size_t length)
{
    for (unsigned i = 1; i < SEEP_PERF_OBJECT_COUNT_; i++) {
        if (same_name(objects[i].english, name, length))
            return (enum seep_perf_object)i;
    }
    for (size_t i = 0; i < sizeof object_names / sizeof object_names[0]; i++) {
        if (same_name(object_names[i].name, name, length))
            return object_names[i].object;
    }
    return SEEP_PERF_OBJECT_NONE;
}

enum seep_perf_object seep_perf_object_by_name(const char *name, size_t length)
{
    enum seep_perf_object object = object_by_exact_name(name, length);

    if (object == SEEP_PERF_OBJECT_NONE && length > 3 && same_name(" V2", name + length - 3, 3) &&
        object_by_exact_name(name, length - 3) == SEEP_PERF_PROCESS)
        object = SEEP_PERF_PROCESS_V2;
    return object;
}

enum seep_perf_counter seep_perf_counter_by_name(enum seep_perf_object object, const char *name,
                                                 size_t length)
{
    if (object <= SEEP_PERF_OBJECT_NONE || object >= SEEP_PERF_OBJECT_COUNT_)
        return SEEP_PERF_COUNTER_NONE;
    for (unsigned i = 1; i < SEEP_PERF_COUNTER_COUNT_; i++) {
        if ((counters[i].objects & ON(object)) != 0 && same_name(counters[i].english, name, length))
            return (enum seep_perf_counter)i;
    }
    for (size_t i = 0; i < sizeof counter_names / sizeof counter_names[0]; i++) {
        if ((counters[counter_names[i].counter].objects & ON(object)) != 0 &&
            same_name(counter_names[i].name, name, length))
            return counter_names[i].counter;
    }
    return SEEP_PERF_COUNTER_NONE;
}

const char *seep_perf_object_name(enum seep_perf_object object)
{
    if ((unsigned)object >= SEEP_PERF_OBJECT_COUNT_)
        return "";
    return objects[object].english;
}

const char *seep_perf_counter_name(enum seep_perf_counter counter)
{
    if ((unsigned)counter >= SEEP_PERF_COUNTER_COUNT_)
        return "";
    return counters[counter].english;
}
