/* door: the window of PuTTY's agent, as its users see it who knew no pipe, and as its maker.

   door ask [SIZE]   takes requests from stdin and gives them to the window, the answers to stdout, through SIZE bytes of shared
                     memory (262144; PuTTY before 0.71 had 8192)
   door wrong HOW    one request for a list that is wrong in this way, and what became of it: "result N, length N, type N"
   door hold         is the window itself, says no to everybody, and "held" once, "asked" for each

   The message: dwData is 0x804e50ba, the text is the name of the memory with its NUL, and the memory belongs to the user. A result that
   is not 0 says that the answer lies in it. (PuTTY, windows/agent-client.c.) */
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define ID 0x804e50ba

static DWORD size = 262144;
static unsigned char *memory;
static char name[64];

static int fail(const char *what)
{
    fprintf(stderr, "door: %s: %lu\n", what, GetLastError());
    return 1;
}

/* share makes the memory, which belongs to the user. */
static int share(void)
{
    static SECURITY_DESCRIPTOR sd;
    static SECURITY_ATTRIBUTES sa = {sizeof sa, &sd, FALSE};
    static char user[512];
    HANDLE token, mapping;
    DWORD n;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token) || !GetTokenInformation(token, TokenUser, user, sizeof user, &n) ||
        !InitializeSecurityDescriptor(&sd, SECURITY_DESCRIPTOR_REVISION) ||
        !SetSecurityDescriptorOwner(&sd, ((TOKEN_USER *)user)->User.Sid, FALSE))
        return 0;
    sprintf(name, "PageantRequest%08x", (unsigned)GetCurrentThreadId());
    mapping = CreateFileMappingA(INVALID_HANDLE_VALUE, &sa, PAGE_READWRITE, 0, size, name);
    if (!mapping) return 0;
    memory = MapViewOfFile(mapping, FILE_MAP_WRITE, 0, 0, 0);
    return memory != NULL;
}

static LRESULT send_name(ULONG_PTR id, DWORD length)
{
    HWND window = FindWindowA("Pageant", "Pageant");
    COPYDATASTRUCT c = {id, length, name};
    return window ? SendMessageA(window, WM_COPYDATA, 0, (LPARAM)&c) : 0;
}

static DWORD length_at(const unsigned char *p) { return (DWORD)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }

static int ask(void)
{
    if (!share()) return fail("memory");
    while (fread(memory, 1, 4, stdin) == 4) {
        DWORD n = length_at(memory);
        if (n > size - 4 || fread(memory + 4, 1, n, stdin) != n) return fail("request");
        if (send_name(ID, strlen(name) + 1) <= 0) return fail("the window says no");
        n = length_at(memory);
        if (n > size - 4 || fwrite(memory, 1, n + 4, stdout) != n + 4 || fflush(stdout)) return fail("answer");
    }
    return 0;
}

static int wrong(const char *how)
{
    static const unsigned char list[] = {0, 0, 0, 1, 11};
    ULONG_PTR id = ID;
    DWORD length;
    LRESULT result;
    if (!share()) return fail("memory");
    length = strlen(name) + 1;
    memcpy(memory, list, sizeof list);
    if (!strcmp(how, "huge")) memset(memory, 0xff, 4);
    else if (!strcmp(how, "zero")) memset(memory, 0, 4);
    else if (!strcmp(how, "beyond")) memory[1] = 4, memory[3] = 0; /* 262144: four bytes more than there are */
    else if (!strcmp(how, "id")) id = 1;
    else if (!strcmp(how, "unended")) length--;
    else if (!strcmp(how, "nowhere")) strcpy(name, "PageantRequest00000000"), length = strlen(name) + 1;
    else if (strcmp(how, "right")) return fail("unknown way");
    result = send_name(id, length);
    printf("result %ld, length %lu, type %u\n", (long)result, length_at(memory), memory[4]);
    return 0;
}

static LRESULT CALLBACK refuse(HWND w, UINT m, WPARAM wp, LPARAM lp)
{
    if (m != WM_COPYDATA) return DefWindowProcA(w, m, wp, lp);
    puts("asked");
    fflush(stdout);
    return 0;
}

static int hold(void)
{
    WNDCLASSA class = {0};
    MSG m;
    class.lpfnWndProc = refuse;
    class.hInstance = GetModuleHandleA(NULL);
    class.lpszClassName = "Pageant";
    if (!RegisterClassA(&class) || !CreateWindowA("Pageant", "Pageant", 0, 0, 0, 0, 0, NULL, NULL, class.hInstance, NULL)) return fail("window");
    puts("held");
    fflush(stdout);
    while (GetMessageA(&m, NULL, 0, 0) > 0) DispatchMessageA(&m);
    return 0;
}

int main(int argc, char **argv)
{
    const char *says = getenv("DOOR_SAYS");
    if (says) { /* it is askpass: whatever is asked, this is the answer, and DOOR_HEARD the file for the question */
        FILE *heard = fopen(getenv("DOOR_HEARD"), "a");
        if (!heard || fprintf(heard, "%s\n", argc > 1 ? argv[1] : "") < 0 || fclose(heard)) return fail("DOOR_HEARD");
        puts(says);
        return 0;
    }
    _setmode(0, _O_BINARY);
    if (argc > 1 && !strcmp(argv[1], "ask")) {
        _setmode(1, _O_BINARY);
        if (argc > 2) size = atoi(argv[2]);
        return ask();
    }
    if (argc > 2 && !strcmp(argv[1], "wrong")) return wrong(argv[2]);
    if (argc > 1 && !strcmp(argv[1], "hold")) return hold();
    fprintf(stderr, "door ask [SIZE] | wrong HOW | hold\n");
    return 2;
}
