/* A record batch made by hand, as the specification of Arrow's C data interface has it. Values stay where the program has them. */
#ifndef ARROW_H
#define ARROW_H

#include <stdint.h>
#include <stdlib.h>

struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

/* How many record batches and schemas were let go. */
static int released_arrays, released_schemas;

static inline void release_array(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]->release)
            array->children[i]->release(array->children[i]);
        free(array->children[i]);
    }
    free(array->children);
    free(array->buffers);
    released_arrays += array->private_data != NULL;
    array->release = NULL;
}

static inline void release_schema(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i]->release)
            schema->children[i]->release(schema->children[i]);
        free(schema->children[i]);
    }
    free(schema->children);
    released_schemas += schema->private_data != NULL;
    schema->release = NULL;
}

/* An array without values, of so many children. */
static inline void make_array(struct ArrowArray *array, int64_t length, int64_t buffers, int64_t children)
{
    *array = (struct ArrowArray){length, 0, 0, buffers, children, NULL, NULL, NULL, release_array, NULL};
    array->buffers = calloc((size_t)buffers, sizeof *array->buffers);
    array->children = calloc((size_t)children, sizeof *array->children);
    for (int64_t i = 0; i < children; i++)
        array->children[i] = calloc(1, sizeof **array->children);
}

static inline void make_schema(struct ArrowSchema *schema, const char *format, const char *name, int64_t children)
{
    *schema = (struct ArrowSchema){format, name, NULL, 2, children, NULL, NULL, release_schema, NULL};
    schema->children = calloc((size_t)children, sizeof *schema->children);
    for (int64_t i = 0; i < children; i++)
        schema->children[i] = calloc(1, sizeof **schema->children);
}

/* A record batch of so many columns, which are made next; it counts when it is let go. */
static inline void make_record_batch(struct ArrowArray *array, struct ArrowSchema *schema, int64_t rows, int64_t columns)
{
    make_array(array, rows, 1, columns);
    make_schema(schema, "+s", "", columns);
    array->private_data = schema->private_data = &released_arrays;
}

/* Numbers without nulls; `validity` has a bit for each row, or is null. */
static inline void make_numbers(struct ArrowArray *array, struct ArrowSchema *schema, const char *format, const char *name, int64_t length,
                                const void *values, const uint8_t *validity)
{
    make_array(array, length, 2, 0);
    make_schema(schema, format, name, 0);
    array->buffers[0] = validity;
    array->buffers[1] = values;
    array->null_count = validity ? -1 : 0;
}

#endif
