// Linux gives a process the registers of AMX only when it asks for them (arch_prctl,
// ARCH_REQ_XCOMP_PERM); all its threads may use them then.
#include <sys/syscall.h>
#include <unistd.h>

extern "C" {

// To be called once, before any kernel. 0 if this process may not run what was compiled in.
int ask_permission() {
#if defined(__AMX_BF16__)
    constexpr int REQUEST = 0x1023, TILE_DATA = 18;
    return syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
#else
    return 1;
#endif
}

}
