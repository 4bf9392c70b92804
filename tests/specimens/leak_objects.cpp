// SPDX-License-Identifier: MIT
// Loses C++ objects of one class, and has a full dump of itself written: leak_objects OUT.dmp
//
// The program starts itself once more; the second one allocates and waits, the first one dumps it
// from outside, as a debugger or procdump does, so that no call's leftovers count as pointers.
//
// Kept: 10 Session in a chain from a global, 3 net::Listener from another. Lost: 400 Session, each
// with a net::Buffer that nothing else points to.
#include <windows.h>

#include <dbghelp.h>
#include <stdio.h>
#include <string.h>

namespace net
{

class Buffer
{
  public:
    virtual ~Buffer()
    {
    }
    virtual void flush()
    {
        used_ = 0;
    }

  private:
    unsigned used_ = 0;
    char bytes_[240] = { 'b' };
};

class Listener
{
  public:
    virtual ~Listener()
    {
    }
    virtual bool accept()
    {
        return backlog_ != 0;
    }

  private:
    unsigned backlog_ = 5;
    char name_[100] = { 'l' };
};

} // namespace net

class Session
{
  public:
    explicit Session(Session *next) : next_(next)
    {
    }
    virtual ~Session()
    {
    }
    virtual void run()
    {
        ++turns_;
    }
    void adopt(net::Buffer *buffer)
    {
        buffer_ = buffer;
    }

  private:
    Session *next_;
    net::Buffer *buffer_ = nullptr;
    unsigned turns_ = 0;
    char peer_[44] = { 'p' };
};

enum { KEPT = 10, LISTENERS = 3, LOST = 400 };

static Session *volatile sessions;
static net::Listener *volatile listeners[LISTENERS];

// What a function called from here leaves on the stack is not to look like a pointer.
static void __attribute__((noinline)) wipe_stack(void)
{
    volatile char room[16384];
    for (unsigned i = 0; i < sizeof room; i++)
        room[i] = 0;
}

static void __attribute__((noinline)) lose(void)
{
    for (int i = 0; i < LOST; i++) {
        Session *lost = new Session(nullptr);
        lost->adopt(new net::Buffer);
        lost->run();
    }
}

static int leak(HANDLE ready)
{
    for (int i = 0; i < LISTENERS; i++)
        listeners[i] = new net::Listener;
    for (int i = 0; i < KEPT; i++)
        sessions = new Session(sessions);
    lose();
    wipe_stack();
    SetEvent(ready);
    Sleep(60000);
    return 1;
}

static bool dump(const char *path, const PROCESS_INFORMATION *child)
{
    HANDLE file =
        CreateFileA(path, GENERIC_WRITE, 0, nullptr, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, nullptr);
    if (file == INVALID_HANDLE_VALUE)
        return false;
    bool good = MiniDumpWriteDump(child->hProcess, child->dwProcessId, file, MiniDumpWithFullMemory,
                                  nullptr, nullptr, nullptr);
    return CloseHandle(file) && good;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "--leak")) {
        unsigned long long event = 0;
        return sscanf(argv[2], "%llx", &event) == 1 ? leak((HANDLE)(UINT_PTR)event) : 2;
    }
    if (argc != 2)
        return 2;
    SECURITY_ATTRIBUTES inherited = { sizeof inherited, nullptr, TRUE };
    HANDLE ready = CreateEventA(&inherited, TRUE, FALSE, nullptr);
    char self[MAX_PATH], command[MAX_PATH + 64];
    GetModuleFileNameA(nullptr, self, sizeof self);
    snprintf(command, sizeof command, "\"%s\" --leak %llx", self,
             (unsigned long long)(UINT_PTR)ready);
    STARTUPINFOA startup = {};
    startup.cb = sizeof startup;
    PROCESS_INFORMATION child = {};
    if (!CreateProcessA(self, command, nullptr, nullptr, TRUE, 0, nullptr, nullptr, &startup,
                        &child))
        return 3;
    bool good = WaitForSingleObject(ready, 30000) == WAIT_OBJECT_0 && dump(argv[1], &child);
    TerminateProcess(child.hProcess, 0);
    if (!good)
        return 4;
    printf("leak_objects: kept %d, lost %d Session of %u bytes and %d net::Buffer of %u: done\n",
           KEPT, LOST, (unsigned)sizeof(Session), LOST, (unsigned)sizeof(net::Buffer));
    return 0;
}
