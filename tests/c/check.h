/* What a test program expects of a call; it stops at the first call that comes to something else. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <streamgrad.h>

static sg_error error;
static int refusals;

static inline void expect(sg_status got, sg_status wanted, const char *names, const char *call, int line)
{
    if (got == wanted && error.status == wanted && (error.message[0] == 0) == (wanted == SG_OK) && strstr(error.message, names)) {
        refusals += wanted != SG_OK;
        return;
    }
    printf("line %d: %s\n  wanted %d naming \"%s\", got %d: %s\n", line, call, (int)wanted, names, (int)got, error.message);
    exit(1);
}

static inline void require(int holds, const char *what, int line)
{
    if (holds)
        return;
    printf("line %d: %s does not hold\n", line, what);
    exit(1);
}

/* The call succeeds. */
#define OK(call) expect((call), SG_OK, "", #call, __LINE__)
/* The handle is closed, which takes no error. */
#define CLOSES(call) require((call) == SG_OK, #call, __LINE__)
/* The call is refused with this status, by a message that names the thing. */
#define REFUSED(status, names, call) expect((call), (status), (names), #call, __LINE__)
/* The condition holds. */
#define REQUIRE(condition) require((condition), #condition, __LINE__)

/* The path of a test bundle, in static memory. */
static inline const char *bundle(int argc, char **argv, const char *name)
{
    static char path[4096];
    if (argc < 2 || snprintf(path, sizeof path, "%s/%s.bundle", argv[1], name) >= (int)sizeof path) {
        printf("pass the folder of the test bundles\n");
        exit(2);
    }
    return path;
}

#endif
