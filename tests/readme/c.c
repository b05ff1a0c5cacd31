#include <stdio.h>
/* README: #include */

int main(void) {
    static const int factors[4] = {19, 37, 53, 71};
    float numbers[32 * 4], late[32];
    for (int i = 0; i < 32; i++) {
        for (int j = 0; j < 4; j++) numbers[4 * i + j] = (float)(i * factors[j] % 100) / 100.0f;
        late[i] = i % 3 == 0 ? 1.0f : 0.0f;
    }
    /* README */
    return 0;
}
