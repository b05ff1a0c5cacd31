/*
 * Learns which flights are late, 32 at a time, from a bundle that Python exported (README.md, "Once, in Python").
 *
 *     cc flights.c $(pkg-config --cflags --libs streamgrad) -o flights && ./flights flights.bundle
 */
#include <stdio.h>

#include <streamgrad.h>

/* A stand-in for the stream: hour, distance, seats and wind, all near 1; what leaves late in a strong wind is late. */
static void next_flights(float numbers[32 * 4], float late[32])
{
    static unsigned seed = 1;
    for (int flight = 0; flight < 32; flight++) {
        for (int field = 0; field < 4; field++) {
            seed = seed * 1664525u + 1013904223u;
            numbers[flight * 4 + field] = (float)(seed >> 8) / (float)(1 << 23);
        }
        late[flight] = numbers[flight * 4] + numbers[flight * 4 + 3] > 2.2f ? 1.0f : 0.0f;
    }
}

int main(int argc, char **argv)
{
    sg_error error;
    sg_trainer trainer;
    if (sg_trainer_open(argc > 1 ? argv[1] : "flights.bundle", NULL, &trainer, &error) != SG_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    sg_batch batch;
    sg_batch_new(trainer, 32, &batch, &error);
    float numbers[32 * 4], late[32], p[32];
    for (int step = 1; step <= 300; step++) {
        next_flights(numbers, late);
        sg_batch_set_f32(batch, "numbers", numbers, 32 * 4, &error);
        sg_batch_set_f32(batch, "late", late, 32, &error);
        sg_report report = SG_REPORT(p, 32); /* plain data in the caller's memory: loss, metrics, versions; predictions go to p */
        if (sg_trainer_step(trainer, batch, &report, &error) != SG_OK) {
            fprintf(stderr, "%s\n", error.message);
            return 1;
        }
        if (step % 100 == 0)
            printf("%llu flights loss %.2f auc %.2f\n", (unsigned long long)(report.version * 32), report.loss, report.metrics.auc);
    }
    sg_batch_close(batch);
    sg_trainer_close(trainer);
    return 0;
}
