/* A program that loads the library by hand compares the ABI first; `dlclose` does not unload what TensorFlow calls back. */
#include <dlfcn.h>

#include "check.h"

int main(void)
{
    const char *name = "libstreamgrad.so.1";
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(library != NULL);
    uint32_t (*abi)(void);
    const char *(*version)(void);
    *(void **)&abi = dlsym(library, "sg_abi");
    *(void **)&version = dlsym(library, "sg_version");
    REQUIRE(abi && version && abi() == SG_ABI);
    printf("%s, ABI %u\n", version(), abi());
    REQUIRE(dlclose(library) == 0);
    REQUIRE(dlopen(name, RTLD_NOW | RTLD_NOLOAD) != NULL);
    printf("%s, still loaded\n", version());
    return 0;
}
